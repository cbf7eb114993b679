import { SCALE, colour, compose, count, paint } from "./paint.js";
import { decodeLabel } from "./png.js";

const TITLES = {
  image_bytes: ["a photograph", "JPEG, PNG, BMP or WebP"],
  rgb_bytes: ["a photograph", "JPEG, PNG, BMP or WebP"],
  depth_png_bytes: ["a depth image", "16-bit grey PNG, millimetres"],
  hha_bytes: ["an HHA image", "PNG"],
};
const SILENT = "The server does not answer. Is it running?";
const LARGEST_SIDE = 2048;  // of what is drawn; shares and downloads have every pixel

const $ = (id) => document.getElementById(id);
const stem = () => shown.file.name.replace(/\.[^.]*$/, "") || "photograph";
const hidden = new Set();  // classes that are not painted
let models = [];  // as `page/models` lists them, those that take photographs
let files = {};  // input -> File
let shown = null;  // the answer on show: file, photo (null where the browser cannot draw it), labels by head
let painted = null;
let request = null;
let nextLook = 0;
let largest = null;  // bytes that the files of a request may have together; null where the server does not say
let token = "";  // kept here and nowhere else: it is gone with the page

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/* Models */

async function refresh(signal) {
  if (largest === null) largest = (await (await get("page/limits", { signal })).json()).file_bytes ?? Infinity;
  const all = await (await get("page/models", { signal })).json();
  models = all.filter((model) => model.versions.length);
  choices($("model"), models.map(({ name }) => [name, name]));
  followModel();
  if (!models.length) {
    say(all.length ? "No served model takes photographs." : "No model is loaded yet.");
    clearTimeout(nextLook);
    nextLook = setTimeout(() => refresh().catch(fail), 1000);
  } else if (!shown && !request) say("");
}

/** Fill a chooser, keeping its choice where it is still offered; one choice needs no chooser. */
function choices(select, options) {
  const before = select.value;
  select.replaceChildren(...options.map(([value, text]) => element("option", { value, textContent: text })));
  if (options.some(([value]) => value === before)) select.value = before;
  select.parentElement.hidden = options.length < 2;
}

function followModel() {
  const model = models.find(({ name }) => name === $("model").value);
  const [newest, ...older] = model ? model.versions.map(({ version }) => String(version)) : [""];
  choices($("version"), [["", `${newest} (newest)`], ...older.map((version) => [version, version])]);
  const entry = chosen();
  choices($("head"), entry ? entry.labels.map(({ head }) => [head, head || "label"]) : []);
  fields(entry ? entry.inputs : []);
}

function chosen() {
  const model = models.find(({ name }) => name === $("model").value);
  return model && (model.versions.find(({ version }) => String(version) === $("version").value) || model.versions[0]);
}

/* Files */

function fields(inputs) {
  if ([...$("files").children].map((field) => field.dataset.input).join() === inputs.join()) return;
  files = Object.fromEntries(inputs.filter((input) => files[input]).map((input) => [input, files[input]]));
  $("files").replaceChildren(...inputs.map((input) => {
    const [title, kinds] = TITLES[input] || [input, "file"];
    const chooser = element("input", { type: "file", accept: "image/*" });
    const named = element("span", { className: "name", textContent: files[input]?.name || "" });
    const field = element("label", { className: "field" }, chooser,
      element("strong", { textContent: `Drop or choose ${title}` }),
      element("span", { textContent: `or paste it · ${kinds}${upTo(inputs.length)}` }), named);
    field.dataset.input = input;
    chooser.addEventListener("change", () => {
      if (chooser.files.length) take(chooser.files[0], input);
      chooser.value = "";  // so that the same file, mended, can be chosen again
    });
    return field;
  }));
}

const megabytes = (bytes) => `${bytes < 1e6 ? "<1" : Math.floor(bytes / 1e6)} MB`;

/** Say how large files may be, where the server says it. */
function upTo(count) {
  if (!Number.isFinite(largest)) return "";
  return ` · up to ${megabytes(largest)}${count > 1 ? " together" : ""}`;
}

/** Refuse a file that the server would refuse, before it is sent; `others` go with it. */
function requireFitting(file, others) {
  const size = [file, ...others].reduce((sum, each) => sum + each.size, 0);
  if (size <= largest) return;
  const together = others.length ? "Together the files have" : "It has";
  throw new Error(`${together} ${Math.ceil(size / 1e6)} MB, and this server takes up to ${megabytes(largest)}. ` +
    "Save it smaller, as a JPEG for example.");
}

function take(file, input) {
  try {
    requireFitting(file, Object.keys(files).filter((other) => other !== input).map((other) => files[other]));
  } catch (error) {
    return fail(error, file);
  }
  files[input] = file;
  const field = [...$("files").children].find((other) => other.dataset.input === input);
  field.querySelector(".name").textContent = file.name;
  if (complete()) ask();
}

/** Tell whether every field has its file, and say what is still to come. */
function complete() {
  const missing = chosen().inputs.filter((input) => !files[input]);
  if (missing.length) say(`Now ${missing.map((input) => TITLES[input]?.[0] || input).join(" and ")}.`);
  return !missing.length;
}

/** Take files that were dropped on a field or anywhere else, or pasted: the first empty field gets the first. */
function takeAll(list, onto) {
  if (!chosen()) return;
  const { inputs } = chosen();
  const free = [...inputs.filter((input) => !files[input]), ...inputs.filter((input) => files[input])];
  const order = onto ? [onto, ...free.filter((input) => input !== onto)] : free;
  if (!list.length) return fail(new Error("That holds no file. Save the picture first, then drop the file."));
  [...list].slice(0, order.length).forEach((file, i) => take(file, order[i]));
}

const inputAt = (event) => event.target.closest?.(".field")?.dataset.input;
let over = 0;  // nested elements entered while dragging

for (const kind of ["dragenter", "dragleave", "dragover", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();  // or the browser leaves the page to show the file
    over = kind === "drop" ? 0 : over + (kind === "dragenter") - (kind === "dragleave");
    document.body.classList.toggle("dragging", over > 0);
    if (kind === "drop") takeAll(event.dataTransfer.files, inputAt(event));
  });
}
document.addEventListener("paste", (event) => event.clipboardData.files.length && takeAll(event.clipboardData.files));

/* Asking */

async function get(url, options) {
  let answer;
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  try {
    answer = await fetch(url, { ...options, headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error(SILENT);
  }
  if (answer.ok) return answer;
  if (answer.status === 401) askToken();
  throw refusal(answer.status, answer.statusText, await answer.text());
}

function refusal(status, statusText, text) {
  let message = text.slice(0, 500) || statusText;
  try {
    message = JSON.parse(text).error || message;
  } catch { /* not TF Serving's JSON: a proxy's page */ }
  return new Error(`${message} (HTTP ${status})`);
}

/** Send a request, telling how much of it is sent: `fetch` does not say that. Return its answer as JSON. */
function post(url, body, signal, sent) {
  return new Promise((resolve, reject) => {
    const sending = new XMLHttpRequest();
    sending.open("POST", url);
    if (token) sending.setRequestHeader("Authorization", `Bearer ${token}`);
    sending.upload.addEventListener("progress", ({ loaded, total }) => sent(total ? loaded / total : 1));
    sending.upload.addEventListener("load", () => sent(1));
    sending.addEventListener("load", () => {
      const { status, statusText, responseText: text } = sending;
      if (status === 401) askToken();
      try {
        if (status >= 200 && status < 300) return resolve(JSON.parse(text));
        return reject(refusal(status, statusText, text));
      } catch (error) {
        return reject(error);
      }
    });
    sending.addEventListener("error", () => reject(new Error(SILENT)));
    signal.addEventListener("abort", () => { sending.abort(); reject(signal.reason); });
    sending.send(body);
  });
}

function askToken() {
  $("ask-token").hidden = false;
  $("token").focus();
}

$("ask-token").addEventListener("submit", (event) => {
  event.preventDefault();
  token = $("token").value.trim().replace(/[^!-~]/g, "");  // a header takes nothing else
  $("token").value = "";
  $("ask-token").hidden = true;
  say("Looking for models …");
  refresh().then(() => shown && complete() && ask()).catch(fail);
});

const base64 = (file) => new Promise((resolve, reject) => {
  const reader = new FileReader();
  reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
  reader.onerror = () => reject(new Error(`The file ${file.name} cannot be read. Choose it again.`));
  reader.readAsDataURL(file);
});

async function picture(file) {
  const photo = new Image();  // drawn upright by its EXIF orientation, as the server reads it
  photo.src = URL.createObjectURL(file);
  return photo.decode().then(() => photo, () => null).finally(() => URL.revokeObjectURL(photo.src));
}

async function ask() {
  request?.abort();
  const mine = request = new AbortController();
  const { signal } = mine;
  const current = (value) => { signal.throwIfAborted(); return value; };
  busy(true);
  let ticking = 0;
  try {
    await refresh(signal);  // a version may have come or gone: names and colours must be those of its answer
    const model = $("model").value;
    const entry = chosen();
    if (!entry || !complete()) return;
    const file = files[entry.inputs[0]];
    const photo = current(await picture(file));
    shown = { file, photo, labels: {} };
    show();
    const asking = performance.now();
    const wait = () => Math.round((performance.now() - asking) / 1000);
    let doing = `Asking ${model}, version ${entry.version} …`;
    say(doing);
    ticking = setInterval(() => say(`${doing} ${wait()} s`), 1000);
    const sent = (share) => {
      if (signal.aborted) return;
      doing = share < 1 ? `Sending ${file.name}: ${Math.floor(100 * share)} % …`
        : `${model}, version ${entry.version}, is computing …`;
      $("sent").value = share;
      $("sent").hidden = share >= 1;
      say(doing);
    };
    const contents = await Promise.all(entry.inputs.map((input) => base64(files[input])));
    const values = contents.map((b64, i) => [entry.inputs[i], { b64 }]);
    const body = JSON.stringify({ instances: [values.length > 1 ? Object.fromEntries(values) : values[0][1]] });
    const url = `v1/models/${encodeURIComponent(model)}/versions/${entry.version}:predict`;
    const start = performance.now();
    const { predictions: [answer] } = await post(url, body, signal, sent);
    const seconds = (performance.now() - start) / 1000;
    if (answer.status) throw new Error(answer.status);
    const labels = {};
    for (const { head, output, confidence, ...names } of entry.labels) {
      labels[head] = { ...names, ...await read(answer[output]) };
      labels[head].sure = confidence ? await readConfidence(answer[confidence], labels[head]) : null;
    }
    current();
    shown = { file, photo, labels };
    show();
    say(`${model}, version ${entry.version}, answered in ${seconds.toFixed(2)} s.${scaling(answer)}${mismatch()}`);
  } catch (error) {
    if (!signal.aborted) fail(error, files[chosen()?.inputs[0]]);
  } finally {
    clearInterval(ticking);
    if (mine === request) {
      request = null;
      $("sent").hidden = true;
      busy(false);
    }
  }
}

/** Read a label PNG; one that cannot be drawn can still be saved. */
async function read({ b64 }) {
  const bytes = Uint8Array.from(atob(b64), (character) => character.charCodeAt(0));
  try {
    return { bytes, ...await decodeLabel(bytes) };
  } catch (error) {
    return { bytes, problem: `The mask cannot be shown: ${error.message}. It can still be downloaded.` };
  }
}

/** Read a confidence map: 255 is a probability of 1. One that cannot be shown is left out. */
async function readConfidence(file, { width, height }) {
  const map = file?.b64 ? await read(file) : {};
  return map.ids instanceof Uint8Array && map.width === width && map.height === height ? map.ids : null;
}

/** Say at which size a photograph was scored that is far larger than those that the model was trained on. */
function scaling({ width, height, scored_width: across, scored_height: down }) {
  if (!across || (across === width && down === height)) return "";
  return ` Scaled ${width}x${height} -> ${across}x${down}.`;
}

function mismatch() {
  const { photo } = shown;
  const { width, height } = label();
  if (!photo || !width || (photo.naturalWidth === width && photo.naturalHeight === height)) return "";
  return ` This browser reads the photograph as ${photo.naturalWidth} × ${photo.naturalHeight} pixels, the server as ` +
    `${width} × ${height}: the classes may not lie where they belong.`;
}

/* Showing */

const label = () => shown?.labels[$("head").value] || {};
const nameOf = (id) => label().classes[id] || `class ${id}`;
const percent = (share) => share && share < 0.0005 ? "< 0.1 %" : `${(100 * share).toFixed(1)} %`;

function say(text) {
  $("status").textContent = text;
  $("error").hidden = true;
}

function fail(error, file) {
  $("error").children[0].textContent = file ? `${file.name}: ` : "";
  $("error").children[1].textContent = error.message;
  $("status").textContent = "";
  $("error").hidden = false;
}

function busy(is) {
  document.body.classList.toggle("busy", is);
  $("result").setAttribute("aria-busy", is);
}

/** Show `shown`: at first the photograph alone, later with the classes of the chosen head. */
function show() {
  const { ids, sure, bytes, problem, classes, width, height } = label();
  hidden.clear();
  if (/^background$/i.test(classes?.[0])) hidden.add(0);
  document.body.classList.add("compact");
  $("result").hidden = !bytes && !shown.photo;
  $("panel").hidden = !bytes;
  $("panel").classList.toggle("unseen", !ids);
  $("stage").hidden = !ids && !shown.photo;
  const size = ids ? [width, height] : [shown.photo?.naturalWidth || 1, shown.photo?.naturalHeight || 1];
  const scale = Math.min(1, LARGEST_SIDE / Math.max(...size));
  [$("canvas").width, $("canvas").height] = size.map((side) => Math.max(1, Math.round(side * scale)));
  // Small pictures are drawn larger, none higher than the window.
  $("canvas").style.inlineSize = `min(100%, ${70 * size[0] / size[1]}vh, ${Math.max(size[0], 560)}px)`;
  $("confidence").parentElement.hidden = !sure;
  if (ids) legend();
  else $("found").textContent = problem || "";
  repaint();
}

function legend() {
  const { ids, palette, classes, count: known } = label();
  const found = count(label());
  const counted = new Map(found);
  const total = Math.max(known || 0, classes.length);
  const absent = [...Array(total).keys()].filter((id) => !counted.has(id)).map((id) => [id, 0]);
  $("found").textContent = total ? `${found.length} of ${total} classes` : `${found.length} classes`;
  $("legend").replaceChildren(...[...found, ...absent].map(([id, pixels]) => {
    const share = pixels / ids.length;
    const swatch = element("span", { className: "swatch" });
    swatch.style.backgroundColor = `rgb(${colour(palette, id).join(" ")})`;
    const bar = element("span", { className: "bar" });
    bar.style.inlineSize = `${100 * share}%`;
    const row = element("button", { type: "button", title: `Class ${id}: paint it or not` }, swatch,
      element("span", { className: "class", textContent: nameOf(id) }),
      element("span", { className: "share", textContent: percent(share) }), bar);
    row.setAttribute("aria-pressed", !hidden.has(id));
    row.addEventListener("click", () => {
      if (!hidden.delete(id)) hidden.add(id);
      row.setAttribute("aria-pressed", !hidden.has(id));
      repaint();
    });
    return element("li", { className: pixels ? "" : "absent" }, row);
  }));
  const largest = found.slice(0, 5).map(([id, pixels]) => `${nameOf(id)} ${percent(pixels / ids.length)}`);
  $("canvas").setAttribute("aria-label", `${shown.file.name} with its classes painted over: ${largest.join(", ")}`);
}

function repaint() {
  const { width, height } = $("canvas");
  painted = label().ids ? picked(width, height) : null;
  $("scale").hidden = !showsConfidence();
  redraw();
}

const showsConfidence = () => Boolean(label().sure) && $("confidence").checked;

/** Paint the classes, or how sure the model is of them. */
function picked(width, height) {
  if (!showsConfidence()) return paint(label(), label().palette, hidden, width, height);
  return paint({ ...label(), ids: label().sure }, SCALE, new Set(), width, height);
}

function redraw() {
  $("opacity-value").textContent = `${$("opacity").value} %`;
  compose($("canvas"), shown.photo, painted, $("opacity").value / 100);
}

$("canvas").addEventListener("pointermove", (event) => {
  const { ids, sure, width, height } = label();
  if (!ids) return;
  const box = $("canvas").getBoundingClientRect();
  const x = Math.min(width - 1, Math.max(0, Math.floor((event.clientX - box.left) / box.width * width)));
  const y = Math.min(height - 1, Math.max(0, Math.floor((event.clientY - box.top) / box.height * height)));
  const certain = sure ? ` · ${percent(sure[y * width + x] / 255)} sure` : "";
  $("pointed").textContent = `${nameOf(ids[y * width + x])}${certain} · x ${x}, y ${y}`;
  const stage = $("stage").getBoundingClientRect();
  $("pointed").style.left = `${event.clientX - stage.left}px`;
  $("pointed").style.top = `${event.clientY - stage.top}px`;
  $("pointed").classList.toggle("left", event.clientX > box.left + box.width / 2);
  $("pointed").classList.toggle("up", event.clientY > box.top + box.height / 2);
  $("pointed").hidden = false;
});
$("canvas").addEventListener("pointerleave", () => { $("pointed").hidden = true; });

$("opacity").addEventListener("input", redraw);
$("confidence").addEventListener("change", repaint);
$("all").addEventListener("change", () => $("legend").classList.toggle("all", $("all").checked));
$("head").addEventListener("change", () => shown && show());
for (const select of [$("model"), $("version")]) {
  select.addEventListener("change", () => {
    followModel();
    if (shown && complete()) ask();
  });
}

/* Saving */

function save(blob, name) {
  const url = URL.createObjectURL(blob);
  element("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
}

$("save-mask").addEventListener("click", () => {
  save(new Blob([label().bytes], { type: "image/png" }), `${stem()}_${$("head").value || "label"}.png`);
});

$("save-overlay").addEventListener("click", async () => {
  const { width, height } = label();
  try {
    const canvas = new OffscreenCanvas(width, height);
    compose(canvas, shown.photo, picked(width, height), $("opacity").value / 100);
    save(await canvas.convertToBlob(), `${stem()}_overlay.png`);
  } catch (error) {
    fail(new Error(`This browser cannot draw ${width} × ${height} pixels at once: ${error.message}`));
  }
});

refresh().catch(fail);
