// SiLU, a depthwise convolution over 3 x 3 cells of each frame, and a gate. Limited by memory bandwidth.
#include "device.cuh"

struct DepthwiseConvolution {
  const void* x;        // [frames * h * w, 2 channels]
  const float* weight;  // [2 channels, 9]
  const float* bias;    // [2 channels]
  void* out;            // [frames * h * w, channels]
  int x_bf16;
  int out_bf16;
  int channels;
  int h, w;
};

#define COLUMNS 16  // of cells that a block reads; it writes all but the first and the last
#define VALUES 4    // channels of a thread: two neighbors of the values, and two of the gates
#define AHEAD 4     // lines that are loaded ahead

/** Reads one or two neighboring elements, in one access if the address allows it. Missing ones are 0. */
DEVICE void get2(const void* array, int bf16, i64 index, int count, float* v) {
  if (count >= 2 && index % 2 == 0 && ((unsigned long long)array & 7) == 0) {
    if (bf16) {
      u32 pair = *(const u32*)((const u16*)array + index);
      v[0] = __uint_as_float(pair << 16);
      v[1] = __uint_as_float(pair & 0xffff0000u);
    } else {
      float2 pair = *(const float2*)((const float*)array + index);
      v[0] = pair.x;
      v[1] = pair.y;
    }
    return;
  }
  v[0] = count >= 1 ? get(array, bf16, index) : 0;
  v[1] = count >= 2 ? get(array, bf16, index + 1) : 0;
}

/**
 * A block computes 64 channels of 14 columns of a frame, line by line from top to bottom. blockIdx is (frame, columns, channels). A
 * warp has a column of cells, and a lane two channels. SiLU of a line is shared through memory. Each line is added to the outputs of
 * the line above it, of its own and of the line below it, so every input is read and converted once, except at the borders of blocks.
 */
KERNEL(512, gated_depthwise_convolution, DepthwiseConvolution) {
  __shared__ float lines[2][COLUMNS][VALUES][WARP];
  int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
  int channel = (blockIdx.z * WARP + lane) * 2, count = p.channels - channel;
  int column = (int)blockIdx.y * (COLUMNS - 2) + warp - 1;
  bool inside = column >= 0 && column < p.w;
  bool writes = inside && count > 0 && warp > 0 && warp < COLUMNS - 1;
  float weight[VALUES][9], bias[VALUES];
#pragma unroll
  for (int i = 0; i < VALUES; i++) {
    i64 c = (i64)i / 2 * p.channels + channel + i % 2;
    bool live = i % 2 < count;
    bias[i] = live ? p.bias[c] : 0;
#pragma unroll
    for (int tap = 0; tap < 9; tap++) {
      weight[i][tap] = live ? p.weight[c * 9 + tap] : 0;
    }
  }
  i64 cell = (i64)blockIdx.x * p.h * p.w + column;
  float next[AHEAD][VALUES];
  auto load = [&](int line, float* v) {
    i64 at = (cell + (i64)line * p.w) * 2 * p.channels + channel;
    int live = inside && line < p.h ? count : 0;
    get2(p.x, p.x_bf16, at, live, v);
    get2(p.x, p.x_bf16, at + p.channels, live, v + 2);
  };
  float upper[VALUES], lower[VALUES];  // the unfinished outputs of the last line and of the line below it
#pragma unroll
  for (int i = 0; i < VALUES; i++) {
    upper[i] = lower[i] = bias[i];
  }
#pragma unroll
  for (int line = 0; line < AHEAD; line++) {
    load(line, next[line]);
  }
#pragma unroll 1
  for (int first = 0; first <= p.h; first += AHEAD) {
#pragma unroll
    for (int step = 0; step < AHEAD; step++) {
      int line = first + step;
      if (line > p.h) {
        break;
      }
      float x[VALUES], y[VALUES];
#pragma unroll
      for (int i = 0; i < VALUES; i++) {
        x[i] = p.out_bf16 ? silu_fast(next[step][i]) : silu(next[step][i]);
        lines[step % 2][warp][i][lane] = x[i];
      }
      load(line + AHEAD, next[step]);
      // The other buffer may still be in use, this one is not: a thread is at most one line ahead.
      __syncthreads();
      if (!writes) {
        continue;
      }
#pragma unroll
      for (int i = 0; i < VALUES; i++) {
        float left = lines[step % 2][warp - 1][i][lane], right = lines[step % 2][warp + 1][i][lane];
        const float* w = weight[i];
        y[i] = upper[i] + left * w[6] + x[i] * w[7] + right * w[8];
        upper[i] = lower[i] + left * w[3] + x[i] * w[4] + right * w[5];
        lower[i] = bias[i] + left * w[0] + x[i] * w[1] + right * w[2];
      }
      if (line > 0) {
        float a = y[0] * (p.out_bf16 ? silu_fast(y[2]) : silu(y[2]));
        float b = y[1] * (p.out_bf16 ? silu_fast(y[3]) : silu(y[3]));
        put2(p.out, p.out_bf16, (cell + (i64)(line - 1) * p.w) * p.channels + channel, count, a, b);
      }
    }
  }
}
