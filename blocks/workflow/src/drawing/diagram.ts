/** How a process is drawn (BPMN DI); empty when the document has no drawing. */
export interface Diagram {
  readonly shapes: ReadonlyMap<string, Bounds>;
  readonly edges: ReadonlyMap<string, readonly Point[]>;
  /** Collapsed sub-process on whose own sheet an element is drawn; those of the first sheet are not in here. */
  readonly sheets: ReadonlyMap<string, string>;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Bounds extends Point {
  readonly width: number;
  readonly height: number;
}
