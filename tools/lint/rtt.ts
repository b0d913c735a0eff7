/// <reference lib="deno.unstable" />
/**
 * Rules of this project that need the syntax tree: `core/` touches nothing of the world, and functions stay short.
 * What is forbidden and how long is too long stands in rules.json.
 */
import rules from "./rules.json" with { type: "json" };

const forbiddenGlobals = new Set<string>(rules.core.globals);
const forbiddenMembers = new Set<string>(rules.core.members);

const isTest = (file: string): boolean => /[._]test[.]ts$/.test(file);

const isCore = (file: string): boolean => /(^|\/)core\//.test(file) && !isTest(file);

const lineCount = (text: string): number => text.split("\n").length;

type FunctionNode = Deno.lint.FunctionDeclaration | Deno.lint.FunctionExpression | Deno.lint.ArrowFunctionExpression;

/** True for a name that stands for a value, and not for a property, a key or a declared name. */
function isReference(node: Deno.lint.Identifier): boolean {
  const parent = node.parent;
  switch (parent.type) {
    case "MemberExpression":
      return parent.object === node || parent.computed;
    case "Property":
      return parent.value === node;
    case "NewExpression": // the date of a given time is no clock
      return !(node.name === "Date" && parent.callee === node && parent.arguments.length > 0);
    case "MethodDefinition":
    case "PropertyDefinition":
    case "TSPropertySignature":
    case "TSMethodSignature":
    case "ImportSpecifier":
    case "ExportSpecifier":
    case "TSTypeReference":
      return false;
    default:
      return true;
  }
}

const pureCore: Deno.lint.Rule = {
  create(context) {
    if (!isCore(context.filename)) return {};
    return {
      Identifier(node) {
        if (!forbiddenGlobals.has(node.name) || !isReference(node)) return;
        context.report({
          node,
          message: `cannot use ${node.name} here because core/ has no clock, no randomness and no I/O`,
          hint: "take it as an argument, or add an interface to core/ports.ts",
        });
      },
      MemberExpression(node) {
        const name = context.sourceCode.getText(node);
        if (!forbiddenMembers.has(name)) return;
        context.report({
          node,
          message: `cannot use ${name} here because core/ is deterministic`,
          hint: "take it as an argument, or add an interface to core/ports.ts",
        });
      },
      AwaitExpression(node) {
        context.report({ node, message: "cannot await here because core/ is synchronous", hint: "return an effect" });
      },
    };
  },
};

const functionLength: Deno.lint.Rule = {
  create(context) {
    const limit = rules.functionLines;
    const check = (node: FunctionNode): void => {
      const lines = lineCount(context.sourceCode.getText(node));
      // A test, and a `describe`-like callback, is a list of steps; the functions that it calls are measured.
      if (lines <= limit || isTest(context.filename)) return;
      context.report({
        node,
        message: `cannot keep this function because it has ${lines} lines and ${limit} is the limit`,
        hint: "split it by what it decides and what it does",
      });
    };
    return { FunctionDeclaration: check, FunctionExpression: check, ArrowFunctionExpression: check };
  },
};

const plugin: Deno.lint.Plugin = {
  name: "rtt",
  rules: { "pure-core": pureCore, "function-length": functionLength },
};
export default plugin;
