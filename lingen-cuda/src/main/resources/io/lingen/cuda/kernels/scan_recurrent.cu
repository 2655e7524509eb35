// The selective scan of Mamba2 as a recurrence (Dao & Gu, "Transformers are SSMs", 2024, section 2), in F32 and for any sizes.
// scan.cu has the chunked form on tensor cores, for BF16 and certain sizes.
#include "device.cuh"
#include "path.cuh"

struct RecurrentScan {
  const void* projection;  // [rows, columns]
  const float* conv_weight;  // [di + 2 G n, taps]
  const float* conv_bias;
  const float* dt_bias;
  const float* a_log;
  const float* d;
  float* bc;  // [steps, 2, G, n]: B and C along the path
  float* dt;  // [H, steps]
  void* y;    // [cells, di]
  i64 columns;
  i64 x_column;
  i64 b_column;
  i64 c_column;
  i64 dt_column;
  int projection_bf16;
  int y_bf16;
  int heads;
  int head_dim;
  int state;
  int groups;
  int taps;
  int accumulate;
  Path path;
};

/** Returns SiLU of the causal convolution of one channel at one step. */
DEVICE float convolved(const RecurrentScan& p, int step, i64 column, int channel) {
  float sum = p.conv_bias[channel];
  for (int tap = 0; tap < p.taps; tap++) {
    int from = step - (p.taps - 1) + tap;
    if (from >= 0) {
      sum += p.conv_weight[(i64)channel * p.taps + tap]
          * get(p.projection, p.projection_bf16, p.path.row(from) * p.columns + column);
    }
  }
  return silu(sum);
}

/** Computes B, C and dt of every step, in the order of the path. One block per step. */
KERNEL(256, scan_recurrent_prepare, RecurrentScan) {
  int step = blockIdx.x;
  int width = p.groups * p.state;
  int di = p.heads * p.head_dim;
  for (int i = threadIdx.x; i < 2 * width; i += blockDim.x) {
    // The channels of B and C are adjacent in the filters; their columns need not be.
    i64 column = i < width ? p.b_column + i : p.c_column + i - width;
    p.bc[(i64)step * 2 * width + i] = convolved(p, step, column, di + i);
  }
  i64 row = p.path.row(step);
  for (int head = threadIdx.x; head < p.heads; head += blockDim.x) {
    float v = get(p.projection, p.projection_bf16, row * p.columns + p.dt_column + head) + p.dt_bias[head];
    p.dt[(i64)head * p.path.steps() + step] = softplus(v);
  }
}

/** Computes the recurrence with one warp per channel, whose lanes share the state in shared memory. */
KERNEL(128, scan_recurrent, RecurrentScan) {
  DYNAMIC_SHARED(all_states);
  int lane = threadIdx.x % WARP;
  int channel = blockIdx.x * (blockDim.x / WARP) + threadIdx.x / WARP;
  if (channel >= p.heads * p.head_dim) {
    return;
  }
  float* state = (float*)all_states + (threadIdx.x / WARP) * p.state;
  for (int n = lane; n < p.state; n += WARP) {
    state[n] = 0;
  }
  int head = channel / p.head_dim;
  int group = head / (p.heads / p.groups);
  float a = -expf(p.a_log[head]);
  float skip = p.d[head];
  i64 di = (i64)p.heads * p.head_dim;
  i64 bc_pitch = 2 * (i64)p.groups * p.state;
  int steps = p.path.steps();
  for (int step = 0; step < steps; step++) {
    float dt = p.dt[(i64)head * steps + step];
    float decay = expf(dt * a);
    float x = convolved(p, step, p.x_column + channel, channel);
    const float* b = p.bc + step * bc_pitch + (i64)group * p.state;
    const float* c = b + (i64)p.groups * p.state;
    float sum = 0;
    for (int n = lane; n < p.state; n += WARP) {
      float h = decay * state[n] + dt * x * b[n];
      state[n] = h;
      sum += h * c[n];
    }
    if (step >= p.path.warm_up()) {
      sum = warp_sum(sum) + skip * x;
      i64 at = (i64)(p.path.row(step) - p.path.prefix_cells) * di + channel;
      if (lane == 0) {
        put(p.y, p.y_bf16, at, p.accumulate ? get(p.y, p.y_bf16, at) + sum : sum);
      }
    }
  }
}
