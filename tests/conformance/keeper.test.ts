/** The suite on the real keeper, with real drivers in real cells. */
import { keeperSuite } from "./keeper_suite.ts";
import { openBench } from "./real_keeper.ts";

keeperSuite("real keeper", openBench);
