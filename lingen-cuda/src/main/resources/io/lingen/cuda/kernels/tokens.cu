// Patches, position embeddings, rotations, pooling and upsampling. All are limited by memory bandwidth.
#include "device.cuh"
#include "rotation.cuh"

struct Patches {
  const void* from;
  void* to;
  i64 n;
  int from_bf16;
  int to_bf16;
  int channels;
  int gt, gh, gw;
  int pt, ph, pw;
  int inverse;
};

/**
 * Converts a video [C, T, H, W] to tokens [grid cells, (channel, pt, ph, pw)], or back. One thread per element, in the order of the
 * tokens.
 */
KERNEL(256, patches, Patches) {
  i64 i = (i64)blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= p.n) {
    return;
  }
  int cells = p.pt * p.ph * p.pw;
  int width = p.channels * cells;
  u32 token = (u32)(i / width);
  u32 inside = (u32)(i - (i64)token * width);
  u32 channel = inside / cells;
  u32 cell = inside % cells;
  i64 w = (i64)(token % p.gw) * p.pw + cell % p.pw;
  i64 h = (i64)(token / p.gw % p.gh) * p.ph + cell / p.pw % p.ph;
  i64 t = (i64)(token / p.gw / p.gh) * p.pt + cell / p.pw / p.ph;
  i64 video = (((i64)channel * p.gt * p.pt + t) * p.gh * p.ph + h) * ((i64)p.gw * p.pw) + w;
  put(p.to, p.to_bf16, p.inverse ? video : i, get(p.from, p.from_bf16, p.inverse ? i : video));
}

struct Positions {
  const void* x;
  const float* table_t;
  const float* table_h;
  const float* table_w;
  void* out;
  int x_bf16;
  int out_bf16;
  int d;
  int gh, gw;
};

/** Computes out = x + tableT[t] + tableH[h] + tableW[w]. One block per token and 2048 columns. */
KERNEL(256, add_position, Positions) {
  int column = (blockIdx.y * blockDim.x + threadIdx.x) * 8;
  if (column >= p.d) {
    return;
  }
  int count = p.d - column < 8 ? p.d - column : 8;
  u32 token = blockIdx.x;
  i64 t = token / p.gw / p.gh, h = token / p.gw % p.gh, w = token % p.gw;
  float v[8], a[8], b[8], c[8];
  get8(p.x, p.x_bf16, (i64)token * p.d + column, count, v);
  get8(p.table_t, 0, t * p.d + column, count, a);
  get8(p.table_h, 0, h * p.d + column, count, b);
  get8(p.table_w, 0, w * p.d + column, count, c);
#pragma unroll
  for (int k = 0; k < 8; k++) {
    v[k] = v[k] + a[k] + b[k] + c[k];
  }
  put8(p.out, p.out_bf16, (i64)token * p.d + column, count, v);
}

struct Rotation {
  void* x;  // the first column of the first head
  i64 tokens;
  i64 columns;
  int x_bf16;
  int heads;
  Angles angles;
};

/**
 * Rotates pairs (a, b) to (a cos - b sin, a sin + b cos) in place. A block is (vectors of 8 columns of a head, tokens). A thread
 * rotates its columns of every head by the same angles.
 */
KERNEL(256, rotate, Rotation) {
  int column = (blockIdx.y * blockDim.x + threadIdx.x) * 8, count = p.angles.head_dim - column;
  i64 token = (i64)blockIdx.x * blockDim.y + threadIdx.y;
  if (count <= 0 || token >= p.tokens) {
    return;
  }
  float cosines[4], sines[4];
  read_angles(p.angles, (u32)token, column, cosines, sines);
  i64 at = token * p.columns + column;
#pragma unroll 4
  for (int head = 0; head < p.heads; head++, at += p.angles.head_dim) {
    float v[8];
    get8(p.x, p.x_bf16, at, count, v);
    rotate_pairs(v, cosines, sines);
    put8(p.x, p.x_bf16, at, count, v);
  }
}

struct Pool {
  const void* x;
  void* out;
  int x_bf16;
  int out_bf16;
  int d;
  int gt, gh, gw;
  int kt, kh, kw;
};

/**
 * Computes the mean of each block of the size of the kernel, possibly smaller at the end of an axis. One thread block per output
 * cell and 2048 columns.
 */
KERNEL(256, average_pool, Pool) {
  int column = (blockIdx.y * blockDim.x + threadIdx.x) * 8;
  if (column >= p.d) {
    return;
  }
  int count = p.d - column < 8 ? p.d - column : 8;
  u32 rows = (p.gh + p.kh - 1) / p.kh, columns = (p.gw + p.kw - 1) / p.kw;
  int t0 = blockIdx.x / columns / rows * p.kt;
  int h0 = blockIdx.x / columns % rows * p.kh;
  int w0 = blockIdx.x % columns * p.kw;
  int t1 = min(t0 + p.kt, p.gt), h1 = min(h0 + p.kh, p.gh), w1 = min(w0 + p.kw, p.gw);
  float sum[8] = {0, 0, 0, 0, 0, 0, 0, 0};
  for (int t = t0; t < t1; t++) {
    for (int h = h0; h < h1; h++) {
      for (int w = w0; w < w1; w++) {
        float v[8];
        get8(p.x, p.x_bf16, (((i64)t * p.gh + h) * p.gw + w) * p.d + column, count, v);
#pragma unroll
        for (int k = 0; k < 8; k++) {
          sum[k] += v[k];
        }
      }
    }
  }
  float cells = (float)(t1 - t0) * (h1 - h0) * (w1 - w0);
#pragma unroll
  for (int k = 0; k < 8; k++) {
    sum[k] /= cells;
  }
  put8(p.out, p.out_bf16, (i64)blockIdx.x * p.d + column, count, sum);
}

struct Upsampling {
  const void* x;
  void* out;
  i64 cells;  // of x
  int x_bf16;
  int out_bf16;
  int c;
  int h, w;  // of x
  int ft, fh, fw;
  int ot, oh, ow;  // of out
};

/**
 * Repeats cells: [T, H, W, C] to [T ft, H fh, W fw, C], cut to the output. A block is (vectors of 8 channels, lines of cells of x). Some
 * threads may have no channel.
 */
KERNEL(256, upsample, Upsampling) {
  int channel = (blockIdx.y * blockDim.x + threadIdx.x) * 8, count = p.c - channel;
  i64 cell = (i64)blockIdx.x * blockDim.y + threadIdx.y;
  if (count <= 0 || cell >= p.cells) {
    return;
  }
  u32 row = (u32)(cell / p.w), frame = row / p.h;
  int w0 = (int)(cell - (i64)row * p.w) * p.fw, h0 = (int)(row - frame * p.h) * p.fh, t0 = (int)frame * p.ft;
  int w1 = min(w0 + p.fw, p.ow), h1 = min(h0 + p.fh, p.oh), t1 = min(t0 + p.ft, p.ot);
  float v[8];
  get8(p.x, p.x_bf16, cell * p.c + channel, count, v);
  for (int t = t0; t < t1; t++) {
    for (int h = h0; h < h1; h++) {
      i64 to = (((i64)t * p.oh + h) * p.ow + w0) * p.c + channel;
      for (int w = w0; w < w1; w++, to += p.c) {
        put8(p.out, p.out_bf16, to, count, v);
      }
    }
  }
}
