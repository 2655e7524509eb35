// The operations of Mamba1, for the ablation: a causal convolution along a path, and a selective scan with one state per channel.
#include "device.cuh"
#include "path.cuh"

struct CausalConvolution {
  const void* x;
  const float* weight;  // [channels, taps]
  const float* bias;
  void* out;  // [rows, channels]
  i64 columns;
  i64 column;
  int x_bf16;
  int out_bf16;
  int channels;
  int taps;
  Path path;
};

/** Causal convolution, one block per row: first the steps of the path, then the rows of the prefix that a backward path omits. */
KERNEL(256, causal_convolution, CausalConvolution) {
  int steps = p.path.steps();
  int step = blockIdx.x;
  i64 row = step < steps ? p.path.row(step) : step - steps;
  for (int channel = threadIdx.x; channel < p.channels; channel += blockDim.x) {
    float y = 0;
    if (step < steps) {
      float sum = p.bias[channel];
      for (int tap = 0; tap < p.taps; tap++) {
        int from = step - (p.taps - 1) + tap;
        if (from >= 0) {
          sum += p.weight[(i64)channel * p.taps + tap]
              * get(p.x, p.x_bf16, p.path.row(from) * p.columns + p.column + channel);
        }
      }
      y = silu(sum);
    }
    put(p.out, p.out_bf16, row * p.channels + channel, y);
  }
}

struct DiagonalScan {
  const void* x;
  const void* dt;
  const void* bc;
  const float* dt_bias;
  const float* a_log;  // [di, n]
  const float* d;
  void* y;
  i64 bc_columns;
  i64 b;
  i64 c;
  int x_bf16;
  int dt_bf16;
  int bc_bf16;
  int y_bf16;
  int width;
  int state;
  int accumulate;
  Path path;
};

/** Scan with one warp per channel, whose lanes share the state in shared memory. */
KERNEL(128, diagonal_scan, DiagonalScan) {
  DYNAMIC_SHARED(memory);
  int lane = threadIdx.x % WARP;
  int channel = blockIdx.x * (blockDim.x / WARP) + threadIdx.x / WARP;
  if (channel >= p.width) {
    return;
  }
  float* state = (float*)memory + (threadIdx.x / WARP) * 2 * p.state;
  float* a = state + p.state;
  for (int n = lane; n < p.state; n += WARP) {
    state[n] = 0;
    a[n] = -expf(p.a_log[(i64)channel * p.state + n]);
  }
  int steps = p.path.steps();
  for (int step = 0; step < steps; step++) {
    i64 row = p.path.row(step);
    float x = get(p.x, p.x_bf16, row * p.width + channel);
    float dt = softplus(get(p.dt, p.dt_bf16, row * p.width + channel) + p.dt_bias[channel]);
    float sum = 0;
    for (int n = lane; n < p.state; n += WARP) {
      float h = expf(dt * a[n]) * state[n] + dt * get(p.bc, p.bc_bf16, row * p.bc_columns + p.b + n) * x;
      state[n] = h;
      sum += h * get(p.bc, p.bc_bf16, row * p.bc_columns + p.c + n);
    }
    if (step >= p.path.warm_up()) {
      sum = warp_sum(sum) + p.d[channel] * x;
      i64 at = (row - p.path.prefix_cells) * p.width + channel;
      if (lane == 0) {
        put(p.y, p.y_bf16, at, p.accumulate ? get(p.y, p.y_bf16, at) + sum : sum);
      }
    }
  }
}
