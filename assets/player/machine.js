// What a run ran on: model, type, device, implementation and kernels, the reason under the pointer.
const KERNELS = { triton: 'Triton kernels', flex: 'flex_attention', reference: 'reference kernels', sdpa: 'SDPA' };

export function showMachine(place, { target, device, path, kernels }) {
  const parts = [target.name, target.dtype, device, path];
  if (kernels) parts.push(KERNELS[kernels.name]);
  place.textContent = parts.join(' · ');
  place.title = kernels ? `trees are verified by ${KERNELS[kernels.name]}: ${kernels.reason}` : '';
}
