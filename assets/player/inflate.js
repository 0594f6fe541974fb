// The messages of a run travel deflated, in base64 behind "z:".
export async function inflated(value) {
  if (!value.startsWith('z:')) return value;
  const bytes = Uint8Array.from(atob(value.slice(2)), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
  return new Response(stream).text();
}
