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
