// Bundles the page into the folder that is given: index.html, graphiql.js, graphiql.css, and licenses.txt with the
// licence of every package that is in them. The server embeds these four files (src/api/graphql/graphiql_bundle.cpp).

import { copyFile, mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const ACCEPTED_LICENSES = ["MIT", "BSD-2-Clause", "BSD-3-Clause", "ISC", "0BSD", "Apache-2.0", "Python-2.0"];

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2];
if (!out) throw new Error("usage: node build.mjs FOLDER");

// The page uses the fonts of the machine: what GraphiQL brings would be two thirds of the style sheet.
const withoutFonts = {
  name: "without-fonts",
  setup({ onLoad }) {
    onLoad({ filter: /graphiql[\\/]dist[\\/]style\.css$/ }, async ({ path }) => ({
      contents: (await readFile(path, "utf8")).replaceAll(/@font-face\s*\{[^}]*\}/g, ""),
      loader: "css",
    }));
  },
};

async function bundle() {
  const { metafile } = await build({
    absWorkingDir: here,
    entryPoints: { graphiql: "src/main.jsx" },
    outdir: resolve(out),
    bundle: true,
    minify: true,
    metafile: true,
    format: "iife",
    target: "es2020",
    jsx: "automatic",
    define: { "process.env.NODE_ENV": '"production"' },
    legalComments: "none",
    plugins: [withoutFonts],
    logLevel: "warning",
  });
  return Object.values(metafile.outputs).flatMap((output) => Object.keys(output.inputs));
}

/// The folders of the packages that files of the bundle come from.
function packagesOf(files) {
  const folders = files.map((file) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1]);
  return [...new Set(folders.filter(Boolean))].sort();
}

// For packages that name the MIT licence and bring no copy of it.
const MIT = `Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`;

async function licenseText(folder, { name, license }) {
  const file = (await readdir(folder)).find((one) => /^licen[cs]e/i.test(one));
  if (file) return readFile(join(folder, file), "utf8");
  if (license === "MIT") return `Copyright (c) the authors of ${name}\n\n${MIT}`;
  throw new Error(`${name}: no licence file`);
}

async function licenses(folders) {
  const parts = [];
  for (const folder of folders) {
    const described = JSON.parse(await readFile(join(here, folder, "package.json"), "utf8"));
    const { name, version, license } = described;
    if (!ACCEPTED_LICENSES.includes(license)) throw new Error(`${name} ${version}: licence ${license} is not accepted`);
    const text = await licenseText(join(here, folder), described);
    parts.push(`==== ${name} ${version} (${license})\n\n${text.trim()}\n`);
  }
  return parts.join("\n");
}

await mkdir(out, { recursive: true });
const packages = packagesOf(await bundle());
await writeFile(join(out, "licenses.txt"), await licenses(packages));
await copyFile(join(here, "src/index.html"), join(out, "index.html"));
