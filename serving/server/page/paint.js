/** Count the pixels of every class: `[id, pixels]`, the largest first. */
export function count({ ids }) {
  const pixels = new Uint32Array(65536);
  for (const id of ids) pixels[id]++;
  return [...pixels.entries()].filter(([, n]) => n).sort((a, b) => b[1] - a[1]);
}

/** Choose the colour of a class: the palette's or, beyond it, a hue far from its neighbours'. */
export function colour(palette, id) {
  if (id < palette.length) return palette[id];
  const hue = id * 137.508;  // the golden angle
  return [0, 8, 4].map((shift) => {
    const k = (shift + hue / 30) % 12;
    return Math.round(255 * (0.5 - 0.35 * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  });
}

// Dark blue, green, yellow: Matplotlib's viridis at 0, 8, ..., 248, 255.
const STEPS = (
  "440154 470d60 48186a 482374 472d7b 453781 424086 3e4989 3b528b 375b8d 33638d " +
  "2f6b8e 2c728e 297a8e 26828e 23898e 21918c 1f988b 1fa088 22a785 28ae80 32b67a " +
  "3fbc73 4ec36b 5ec962 70cf57 84d44b 98d83e addc30 c2df23 d8e219 ece51b fde725"
).split(" ").map((step) => [0, 2, 4].map((at) => parseInt(step.slice(at, at + 2), 16)));

/** The colours of confidence, of bytes: 255 is sure. */
export const SCALE = Array.from({ length: 256 }, (_, value) => {
  const step = Math.min(value >> 3, STEPS.length - 2);
  const from = 8 * step;
  const share = (value - from) / (Math.min(from + 8, 255) - from);
  return STEPS[step].map((least, i) => Math.round(least + share * (STEPS[step + 1][i] - least)));
});

/** Paint a label at another size, without mixing neighbours; hidden classes stay clear. */
export function paint({ width, height, ids }, palette, hidden, toWidth, toHeight) {
  const canvas = new OffscreenCanvas(toWidth, toHeight);
  const context = canvas.getContext("2d");
  const image = context.createImageData(toWidth, toHeight);
  const highest = ids.reduce((a, b) => Math.max(a, b), 0);
  const bytes = new Uint8Array(4 * (highest + 1));
  for (let id = 0; id <= highest; id++) bytes.set([...colour(palette, id), hidden.has(id) ? 0 : 255], 4 * id);
  const table = new Uint32Array(bytes.buffer);
  const pixels = new Uint32Array(image.data.buffer);
  for (let y = 0, at = 0; y < toHeight; y++) {
    const row = Math.floor((y + 0.5) * height / toHeight) * width;
    for (let x = 0; x < toWidth; x++) pixels[at++] = table[ids[row + Math.floor((x + 0.5) * width / toWidth)]];
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

/** Draw a photograph and, over it, what `paint` made, at the size of `canvas`. */
export function compose(canvas, photo, painted, opacity) {
  const context = canvas.getContext("2d");
  context.globalAlpha = 1;
  context.clearRect(0, 0, canvas.width, canvas.height);
  if (photo) context.drawImage(photo, 0, 0, canvas.width, canvas.height);
  context.globalAlpha = opacity;
  if (painted) context.drawImage(painted, 0, 0, canvas.width, canvas.height);
}
