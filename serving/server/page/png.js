const AT_ONCE = 1 << 21;  // bytes

/**
 * Decode a grey PNG of class numbers, 8 or 16 bits a pixel.
 *
 * Not through a canvas: some browsers alter the pixels that a canvas gives back, to hinder tracking, and a canvas
 * holds 8 bits only.
 */
export async function decodeLabel(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 33 || view.getUint32(0) !== 0x89504e47) throw new Error("it is not a PNG");
  const packed = [];
  for (let at = 8; at + 8 <= bytes.length; at += 12 + view.getUint32(at)) {
    const start = at + 8;
    if (view.getUint32(at + 4) === 0x49444154) packed.push(bytes.subarray(start, start + view.getUint32(at)));  // IDAT
  }
  const [width, height, depth, kind, interlaced] = [16, 20].map((at) => view.getUint32(at))
    .concat(bytes[24], bytes[25], bytes[28]);
  if (![8, 16].includes(depth) || kind !== 0 || interlaced) throw new Error("it is not a grey PNG of 8 or 16 bits");
  const stream = new Blob(packed).stream().pipeThrough(new DecompressionStream("deflate"));
  const filtered = new Uint8Array(await new Response(stream).arrayBuffer());
  const row = width * depth / 8;
  if (filtered.length !== height * (row + 1)) throw new Error("it is cut off");
  const raw = await unfilter(filtered, height, row, depth / 8);
  if (depth === 8) return { width, height, ids: raw };
  const ids = new Uint16Array(width * height);
  for (let i = 0; i < ids.length; i++) ids[i] = 256 * raw[2 * i] + raw[2 * i + 1];
  return { width, height, ids };
}

/** Undo the filters of https://www.w3.org/TR/png-3/#9Filters, `step` bytes a pixel; let the page live meanwhile. */
async function unfilter(filtered, height, row, step) {
  const raw = new Uint8Array(height * row);
  let undone = 0;
  for (let y = 0; y < height; y++) {
    undone += row;
    if (undone > AT_ONCE) {
      await new Promise((resolve) => setTimeout(resolve));
      undone = 0;
    }
    const from = y * (row + 1) + 1;
    const to = y * row;
    const kind = filtered[from - 1];
    for (let x = 0; x < row; x++) {
      const left = x >= step ? raw[to + x - step] : 0;
      const up = y ? raw[to + x - row] : 0;
      let guess = 0;
      if (kind === 1) guess = left;
      else if (kind === 2) guess = up;
      else if (kind === 3) guess = (left + up) >> 1;
      else if (kind === 4) guess = paeth(left, up, y && x >= step ? raw[to + x - row - step] : 0);
      raw[to + x] = filtered[from + x] + guess;
    }
  }
  return raw;
}

function paeth(left, up, corner) {
  const toLeft = Math.abs(up - corner);
  const toUp = Math.abs(left - corner);
  const toCorner = Math.abs(left + up - 2 * corner);
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
}
