-- What compensates keeps the variables of the repetition it belongs to: a handler is an object, no longer a text.
update scope
set compensable = (
  select jsonb_agg(
    jsonb_build_object('activity', done -> 'activity', 'handlers', (
      select coalesce(jsonb_agg(jsonb_build_object('handler', handler) order by place), '[]')
      from jsonb_array_elements(done -> 'handlers') with ordinality as handlers (handler, place)
    ))
    order by position
  )
  from jsonb_array_elements(compensable) with ordinality as all_done (done, position)
)
where compensable <> '[]';

update token
set wait = jsonb_set(wait, '{left}', (
  select coalesce(jsonb_agg(jsonb_build_object('handler', handler) order by place), '[]')
  from jsonb_array_elements(wait -> 'left') with ordinality as handlers (handler, place)
))
where wait ->> 'kind' = 'compensation';
