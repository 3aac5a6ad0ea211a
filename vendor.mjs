// Builds what the browser gets: pinned packages from node_modules and our own css/ and js/ become hashed files in
// static/vendor/ with manifest.json (name → file, bytes). Run `npm ci --ignore-scripts && node vendor.mjs` after any
// change in package.json, static/css or static/js, and commit the result: the desk itself needs no Node.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { bundle } from "lightningcss";
import subsetFont from "subset-font";

const PACKAGES = "node_modules/";
const ONEST = `${PACKAGES}@fontsource-variable/onest/files/onest-`;
const OUT = "static/vendor/";
const BROWSERS = { chrome: 123 << 16, firefox: 120 << 16, safari: (17 << 16) | (5 << 8) };

// Only what a template names; portal/web/assets.py refuses an icon that is not here.
const ICONS = `
  activity archive arrow-left arrow-right ban bell book-open calendar camera check check-check chevron-down chevron-right
  circle-alert circle-help clock code copy credit-card database download ellipsis eye file-text filter flask-conical gauge
  hourglass house inbox info key key-round landmark languages link list loader-circle log-out menu message-square monitor moon
  pause phone play plus refresh-cw repeat scale search send server settings shield shield-alert shield-check
  sliders-horizontal store sun trending-up triangle-alert user user-check user-plus users volume-2 wallet webhook x
`.trim().split(/\s+/);
const PAY_ICONS = `
  arrow-left arrow-right check circle-alert circle-help clock copy hourglass info refresh-cw shield
  triangle-alert x
`.trim().split(/\s+/);

// What shared stylesheets have and the payment page has not: it stays within its 25 KB.
const UNUSED_BY_PAY = `
  filter-box htmx-request methods method nowrap prose row-actions menu inline-form
  --ease --floating --ring --row
`.trim().split(/\s+/);

// The hryvnia sign lives in another subset than the rest of the currency signs.
const CURRENCY_SIGNS = { "latin-ext": "₸₹₺₼₽₾₿", "cyrillic-ext": "₴" };

const manifest = {};

function put(name, content) {
  const bytes = Buffer.from(content);
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 10);
  const file = name.replace(/(\.\w+)$/, `.${hash}$1`);
  writeFileSync(OUT + file, bytes);
  manifest[name] = { file, bytes: bytes.length };
}

function sprite(names) {
  const symbols = names.map((name) => {
    const svg = readFileSync(`${PACKAGES}lucide-static/icons/${name}.svg`, "utf8");
    const shapes = svg.slice(svg.indexOf(">", svg.indexOf("<svg")) + 1, svg.lastIndexOf("</svg>"));
    const drawing = shapes.replace(/\s+/g, " ").replace(/> </g, "><").trim();
    return `<symbol id="${name}" viewBox="0 0 24 24">${drawing}</symbol>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>`;
}

function stylesheet(name, unused = []) {
  const { code } = bundle({
    filename: `static/css/${name}`,
    minify: true,
    unusedSymbols: unused,
    targets: BROWSERS,
    visitor: {
      Url(url) {
        if (url.url.startsWith("data:")) return url;
        const font = basename(url.url);
        if (!manifest[font]) throw new Error(`${name} names ${url.url}, which is not built`);
        return { ...url, url: manifest[font].file };
      },
    },
  });
  return code;
}

// Our scripts are small and stay readable: comments and indentation go, nothing is renamed. Each keeps its own names.
function script(folder) {
  return readdirSync(`static/js/${folder}`).sort().map((file) => {
    const source = readFileSync(`static/js/${folder}/${file}`, "utf8");
    return `(() => {"use strict";\n${source.replace(/^\s*\/\/.*$/gm, "").replace(/^\s+/gm, "")}})();`;
  });
}

function join(parts) {
  return parts.map((part) => part.toString().replace(/\/\/# sourceMappingURL=.*$/gm, "").trim()).join("\n;\n") + "\n";
}

function licence(name, folder) {
  writeFileSync(`${OUT}LICENCE-${name}.txt`, readFileSync(`${PACKAGES}${folder}/LICENSE`));
}

if (existsSync(OUT)) rmSync(OUT, { recursive: true });
mkdirSync(OUT, { recursive: true });

put("onest-latin.woff2", readFileSync(`${ONEST}latin-wght-normal.woff2`));
put("onest-cyrillic.woff2", readFileSync(`${ONEST}cyrillic-wght-normal.woff2`));
for (const [subset, signs] of Object.entries(CURRENCY_SIGNS)) {
  const font = readFileSync(`${ONEST}${subset}-wght-normal.woff2`);
  put(`onest-currency-${subset}.woff2`, await subsetFont(font, signs, { targetFormat: "woff2" }));
}

// Statements as PDF: a font of many scripts, for names are of all of them.
for (const [name, file] of [["pdf.ttf", "DejaVuSansCondensed"], ["pdf-bold.ttf", "DejaVuSansCondensed-Bold"]]) {
  put(name, readFileSync(`${PACKAGES}dejavu-fonts-ttf/ttf/${file}.ttf`));
}

put("icons.svg", sprite(ICONS));
put("pay-icons.svg", sprite(PAY_ICONS));
put("app.css", stylesheet("app.css"));
put("pay.css", stylesheet("pay.css", UNUSED_BY_PAY));
put("uploads.css", stylesheet("uploads.css"));
put("trials.css", stylesheet("trials.css"));
put("pay-help.css", stylesheet("pay-help.css"));

// One file, in this order: as separate deferred files the SSE extension now and then came too late to connect.
const htmx = ["htmx.min.js", "ext/hx-sse.min.js", "ext/hx-ptag.min.js"]
  .map((file) => readFileSync(`${PACKAGES}htmx.org/dist/${file}`));
put("app.js", join([...script("shared"), ...script("uploads"), ...script("app"), ...htmx]));
put("pay.js", join([...script("shared"), ...script("pay")]));
put("docs.js", join(script("docs"))); // of /docs: its search, its samples, its calls to try
put("uploads.js", join(script("uploads"))); // of the payment page, when somebody attaches something

licence("htmx", "htmx.org");
licence("lucide", "lucide-static");
licence("dejavu", "dejavu-fonts-ttf");
licence("onest", "@fontsource-variable/onest");

manifest["icons"] = ICONS;
manifest["pay-icons"] = PAY_ICONS;
writeFileSync(`${OUT}manifest.json`, JSON.stringify(manifest, null, 1) + "\n");
for (const [name, entry] of Object.entries(manifest)) if (entry.bytes) console.log(name, entry.bytes);
