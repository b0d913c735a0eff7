/** Native HiGHS through its C interface: the reference for the solver inside rtt. */

/** How HiGHS reports that a call went well, and that the model was solved to optimality. */
const OK = 0;
const OPTIMAL = 7;

const SYMBOLS = {
  Highs_create: { parameters: [], result: "pointer" },
  Highs_destroy: { parameters: ["pointer"], result: "void" },
  Highs_setBoolOptionValue: { parameters: ["pointer", "buffer", "i32"], result: "i32" },
  Highs_setDoubleOptionValue: { parameters: ["pointer", "buffer", "f64"], result: "i32" },
  Highs_readModel: { parameters: ["pointer", "buffer"], result: "i32" },
  Highs_run: { parameters: ["pointer"], result: "i32" },
  Highs_getModelStatus: { parameters: ["pointer"], result: "i32" },
  Highs_getObjectiveValue: { parameters: ["pointer"], result: "f64" },
} as const;

const text = (value: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(`${value}\0`);

export interface NativeHighs {
  /** Reads an LP file and solves it with gap 0; the objective of the optimum. */
  solve(path: string): number;
  close(): void;
}

export function openNativeHighs(folder: string): NativeHighs {
  const library = Deno.dlopen(`${folder}/libhighs.so`, SYMBOLS);
  const call = library.symbols;
  return {
    solve: (path) => {
      const model = call.Highs_create();
      try {
        call.Highs_setBoolOptionValue(model, text("output_flag"), 0);
        call.Highs_setDoubleOptionValue(model, text("mip_rel_gap"), 0);
        const read = call.Highs_readModel(model, text(path));
        const ran = read === OK ? call.Highs_run(model) : read;
        const status = call.Highs_getModelStatus(model);
        if (ran !== OK || status !== OPTIMAL) {
          throw new Error(`cannot use ${path} as a reference because native HiGHS ended it with status ${status}`);
        }
        return call.Highs_getObjectiveValue(model);
      } finally {
        call.Highs_destroy(model);
      }
    },
    close: () => library.close(),
  };
}
