// Runs Python code under Pyodide, which is CPython in WebAssembly: its bytecode is that of any CPython of its version.
// node run_python.mjs PYODIDE CODE <INPUT. The machine's files are under /host, and `stdin` is the input.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [directory, code] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(`${directory}/pyodide.mjs`));
const python = await loadPyodide({ indexURL: directory, env: { PYTHONHASHSEED: "0", HOME: "/" } });
python.FS.mkdirTree("/host");
python.mountNodeFS("/host", "/");
python.globals.set("stdin", readFileSync(0, "utf8"));
try {
  python.runPython(code);
} catch (error) {
  const words = error.message.split("SystemExit: "); // a traceback comes before them
  process.stderr.write(`${words.at(-1).trim()}\n`);
  process.exit(1);
}
