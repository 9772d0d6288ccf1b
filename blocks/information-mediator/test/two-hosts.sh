#!/bin/bash
# Two organisations, two hosts: docs/information-mediator/two-servers.md between two network namespaces of this machine,
# joined by nothing but a cable, over TLS; then what can go wrong between them, each with its own error. Linux, as root,
# with openssl, jq, curl, iproute2, python3:
#
#   sudo blocks/information-mediator/test/two-hosts.sh
set -u
root=$(cd "$(dirname "$0")/../../.." && pwd)
work=$(mktemp -d) && chmod 755 "$work" && cd "$work" || exit 1
govstack=$root/govstack
failed=0

finish() {
  for space in agency ministry; do
    ip netns pids $space 2>/dev/null | xargs -r kill -CONT
    ip netns pids $space 2>/dev/null | xargs -r kill
  done
  for _ in $(seq 100); do [ -z "$(ip netns pids agency; ip netns pids ministry)" ] && break; sleep 0.1; done
  ip netns del agency; ip netns del ministry; rm -rf "$work"
} 2>/dev/null
trap finish EXIT
# What is said has to be in what comes back.
expect() {
  local title=$1 wanted=$2; shift 2
  if "$@" 2>&1 | tee last | grep -qF "$wanted"; then echo "ok      $title"; else echo "FAILED  $title: $(cat last)"; failed=1; fi
}
ready() { for _ in $(seq 60); do grep -q ^ready "$1" && return; sleep 1; done; cat "$1"; exit 1; }

for space in agency ministry; do ip netns add $space; ip netns exec $space ip link set lo up; done
ip link add govstack-a type veth peer name govstack-m
ip link set govstack-a netns agency; ip link set govstack-m netns ministry
ip netns exec agency ip addr add 10.9.0.1/24 dev govstack-a; ip netns exec agency ip link set govstack-a up
ip netns exec ministry ip addr add 10.9.0.2/24 dev govstack-m; ip netns exec ministry ip link set govstack-m up
agency() { ip netns exec agency "$@"; }
ministry() { ip netns exec ministry "$@"; }

# Certificates for HTTPS, as from any web authority; evidence has authorities of its own.
ec="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
openssl req -x509 $ec -keyout ca.key -out ca.pem -days 2 -subj /CN=web 2>/dev/null
for host in 1 2; do
  openssl req $ec -keyout web$host.key -out web$host.csr -subj /CN=web$host 2>/dev/null
  openssl x509 -req -in web$host.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out web$host.pem \
    -extfile <(echo "subjectAltName=IP:10.9.0.$host") 2>/dev/null
done
export NODE_EXTRA_CA_CERTS=$work/ca.pem
$govstack mediator key "$work/dga.key" > dga.pub
$govstack mediator key "$work/msp.key" > msp.pub
dga() { agency $govstack mediator call https://10.9.0.1:4001 --as NOWHERE/GOV/DGA/governance --key "$work/dga.key" "$@"; }
msp() { ministry $govstack mediator call https://10.9.0.2:4002 --as NOWHERE/GOV/MSP/governance --key "$work/msp.key" "$@"; }
enc() { jq -rn --arg text "$1" '$text|@uri'; }

p=GOVSTACK_INFORMATION_MEDIATOR
agency env ${p}_BOOTSTRAP="{\"governance\":\"NOWHERE/GOV/DGA/governance\",\"governanceKey\":$(cat dga.pub)}" \
  ${p}_AUDIENCES='["https://10.9.0.1:4001"]' \
  ${p}_SERVER='{"code":"ss1","port":5501,"host":"10.9.0.1","timeoutMs":3000}' ${p}_OCSP_REFRESH_SECONDS=1 \
  ${p}_CONFIGURATION_REFRESH_SECONDS=1 ${p}_CONFIGURATION_LIFETIME_SECONDS=15 \
  $govstack serve information-mediator --host 10.9.0.1 --certificate "$work/web1.pem" --key "$work/web1.key" --port 4001 \
  --application NOWHERE/GOV/DGA/mediator --data "$work/dga" > agency.log 2>&1 &
ready agency.log
admin=NOWHERE/GOV/DGA/mediator/mediator-admin-v1
centre=NOWHERE/GOV/DGA/mediator/mediator-centre-v1
keys=NOWHERE/GOV/DGA/mediator/mediator-keys-v1
{
  dga $keys POST /requests '{"use":"authentication"}' |
    jq '{request, use: "authentication"}' | dga $centre POST /certificates - > own.json
  jq '{certificate}' own.json | dga $keys POST /certificates -
  jq '{address: "https://10.9.0.1:5501", clients: ["NOWHERE/GOV/DGA/weather"], certificates: [.certificate]}' own.json > ss1.json
  dga $admin PUT "/members/$(enc NOWHERE/GOV/MSP)" '{"name":"Ministry of Social Protection"}'
  for application in MSP/mediator MSP/governance DGA/weather; do
    dga $admin PUT "/applications/$(enc NOWHERE/GOV/$application)" "{\"name\":\"$application\"}"
  done
  dga $centre PUT "/servers/$(enc NOWHERE/GOV/DGA/ss1)" - < ss1.json
  dga $centre GET /anchor > anchor.json
} >> setup.log 2>&1
ministry env ${p}_BOOTSTRAP="{\"instance\":\"NOWHERE\",\"governance\":\"NOWHERE/GOV/MSP/governance\",\"governanceKey\":$(cat msp.pub)}" \
  ${p}_ANCHOR="$(cat anchor.json)" ${p}_AUDIENCES='["https://10.9.0.2:4002"]' \
  ${p}_SERVER='{"code":"ss2","port":5502,"host":"10.9.0.2","timeoutMs":3000}' ${p}_OCSP_REFRESH_SECONDS=1 \
  ${p}_CONFIGURATION_REFRESH_SECONDS=1 \
  $govstack serve information-mediator --host 10.9.0.2 --certificate "$work/web2.pem" --key "$work/web2.key" --port 4002 \
  --application NOWHERE/GOV/MSP/mediator --data "$work/msp" > ministry.log 2>&1 &
ready ministry.log
mkeys=NOWHERE/GOV/MSP/mediator/mediator-keys-v1
weather=NOWHERE/GOV/DGA/weather/forecast-v1
mkdir web; echo '{"sunny":true}' > web/today
agency python3 -m http.server 4010 --bind 127.0.0.1 --directory web > /dev/null 2>&1 &
{
  for wanted in '{"use":"authentication"}' '{"use":"signing","member":"NOWHERE/GOV/MSP"}'; do
    use=$(jq -rn "$wanted|.use")
    msp $mkeys POST /requests "$wanted" | jq --arg use "$use" '{request, use: $use}' |
      dga $centre POST /certificates - > "$use.json"
    jq '{certificate}' "$use.json" | msp $mkeys POST /certificates -
  done
  jq '{address: "https://10.9.0.2:5502", clients: ["NOWHERE/GOV/MSP/governance"], certificates: [.certificate]}' authentication.json |
    dga $centre PUT "/servers/$(enc NOWHERE/GOV/MSP/ss2)" -
  dga $admin PUT "/services/$(enc $weather)" '{"title":"Forecast","target":"http://localhost:4010"}'
} >> setup.log 2>&1
sleep 3

today() { msp $weather GET /today; }
expect 'without a right: refused by the provider'"’"'s server' Server.ServerProxy.AccessDenied today
dga $admin PUT "/services/$(enc $weather)/rights/$(enc NOWHERE/GOV/MSP/governance)" '{}' >> setup.log 2>&1
expect 'a call across' '{"sunny":true}' today
exchange=$(sed -n 's/.*exchange //p' last | head -1)
agency curl -s --cacert ca.pem https://10.9.0.1:4001/trust/verification.json > trust.json
ministry $govstack mediator container https://10.9.0.2:4002 --as NOWHERE/GOV/MSP/governance --key "$work/msp.key" \
  --reason 'A court has asked for it' NOWHERE/GOV/MSP/mediator "$exchange" response "$work/answer.asice" >> setup.log 2>&1
expect 'what the agency said, proven by the ministry' 'said by:      NOWHERE/GOV/DGA' \
  $govstack mediator verify "$work/answer.asice" --trust "$work/trust.json"

server=$(ip netns pids agency | while read -r pid; do grep -qz '^serve$' /proc/$pid/cmdline && ls -l /proc/$pid/fd 2>/dev/null | grep -q socket && echo $pid; done | tail -1)
kill -STOP "$server"
expect 'a peer that has stopped answering' Server.ClientProxy.NetworkError.Timeout today
kill -CONT "$server"
expect 'and is back' '{"sunny":true}' today
agency ip link set govstack-a down
expect 'a peer that cannot be reached' Server.ClientProxy.NetworkError today
sleep 17
expect 'a configuration that has expired' Server.ClientProxy.OutdatedGlobalConf today
agency ip link set govstack-a up
sleep 4
expect 'and is back' '{"sunny":true}' today
dga $centre DELETE "/certificates/$(jq -r .keyId signing.json)" >> setup.log 2>&1
sleep 3
expect 'a signing certificate revoked' Server.ServerProxy.InvalidCertPath today
dga $centre DELETE "/certificates/$(jq -r .keyId authentication.json)" >> setup.log 2>&1
sleep 3
expect 'a server'"’"'s certificate revoked' Server.ServerProxy.SslAuthenticationFailed today
exit $failed
