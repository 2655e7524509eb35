// Elementwise operations, noise, the conversion to pixels, and the epilogues that cuBLASLt does not support.
#include "device.cuh"

struct Elementwise {
  const void* a;
  const void* b;
  void* out;
  int a_bf16;
  int b_bf16;
  int out_bf16;
  float s;
  i64 n;
};

DEVICE i64 first8() { return ((i64)blockIdx.x * blockDim.x + threadIdx.x) * 8; }

DEVICE int count8(i64 from, i64 n) { return n - from < 8 ? (int)(n - from) : 8; }

/** out = a */
KERNEL(256, convert, Elementwise) {
  i64 i = first8();
  if (i < p.n) {
    float v[8];
    get8(p.a, p.a_bf16, i, count8(i, p.n), v);
    put8(p.out, p.out_bf16, i, count8(i, p.n), v);
  }
}

/** out = a + s b */
KERNEL(256, add_scaled, Elementwise) {
  i64 i = first8();
  if (i < p.n) {
    float a[8], b[8];
    get8(p.a, p.a_bf16, i, count8(i, p.n), a);
    get8(p.b, p.b_bf16, i, count8(i, p.n), b);
#pragma unroll
    for (int k = 0; k < 8; k++) {
      a[k] += p.s * b[k];
    }
    put8(p.out, p.out_bf16, i, count8(i, p.n), a);
  }
}

/** out = a b */
KERNEL(256, multiply, Elementwise) {
  i64 i = first8();
  if (i < p.n) {
    float a[8], b[8];
    get8(p.a, p.a_bf16, i, count8(i, p.n), a);
    get8(p.b, p.b_bf16, i, count8(i, p.n), b);
#pragma unroll
    for (int k = 0; k < 8; k++) {
      a[k] *= b[k];
    }
    put8(p.out, p.out_bf16, i, count8(i, p.n), a);
  }
}

/** out = a + s (b - a) */
KERNEL(256, interpolate, Elementwise) {
  i64 i = first8();
  if (i < p.n) {
    float a[8], b[8];
    get8(p.a, p.a_bf16, i, count8(i, p.n), a);
    get8(p.b, p.b_bf16, i, count8(i, p.n), b);
#pragma unroll
    for (int k = 0; k < 8; k++) {
      a[k] += p.s * (b[k] - a[k]);
    }
    put8(p.out, p.out_bf16, i, count8(i, p.n), a);
  }
}

struct Pixels {
  const void* x;
  unsigned char* out;     // [n], with room for a multiple of 8
  unsigned char* faults;  // [blocks]
  i64 n;
  int x_bf16;
};

/** Converts x to 8-bit pixels: [-1, 1] maps to 0 to 255, rounded half up and clamped. Sets faults for blocks that contain a NaN. */
KERNEL(256, pixels, Pixels) {
  i64 i = first8();
  float v[8];
  get8(p.x, p.x_bf16, i, i < p.n ? count8(i, p.n) : 0, v);
  u32 words[2] = {0, 0};
  float faults = 0;
#pragma unroll
  for (int k = 0; k < 8; k++) {
    float y = fminf(fmaxf((v[k] + 1) * 127.5f, 0), 255);
    u32 whole = (u32)y;
    words[k / 4] |= (whole + (y - whole >= 0.5f ? 1 : 0)) << k % 4 * 8;
    faults += v[k] != v[k] ? 1 : 0;
  }
  if (i < p.n) {
    ((u32*)(p.out + i))[0] = words[0];
    ((u32*)(p.out + i))[1] = words[1];
  }
  faults = row_sum(faults);
  if (threadIdx.x == 0) {
    p.faults[blockIdx.x] = faults > 0 ? 1 : 0;
  }
}

struct Noise {
  void* out;
  i64 n;
  u32 key0;
  u32 key1;
  int out_bf16;
};

/**
 * Philox 4x32-10 and Box-Muller as in PhiloxNormal, in double precision, so that rounding to F32 gives the same numbers as on the
 * host.
 */
KERNEL(256, philox_normal, Noise) {
  i64 block = (i64)blockIdx.x * blockDim.x + threadIdx.x;
  i64 at = block * 4;
  if (at >= p.n) {
    return;
  }
  u32 c0 = (u32)block, c1 = (u32)(block >> 32), c2 = 0, c3 = 0;
  u32 k0 = p.key0, k1 = p.key1;
  for (int round = 0; round < 10; round++) {
    u32 high0 = __umulhi(0xD2511F53u, c0), low0 = 0xD2511F53u * c0;
    u32 high1 = __umulhi(0xCD9E8D57u, c2), low1 = 0xCD9E8D57u * c2;
    c0 = high1 ^ c1 ^ k0;
    c1 = low1;
    c2 = high0 ^ c3 ^ k1;
    c3 = low0;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  u32 words[4] = {c0, c1, c2, c3};
  for (int pair = 0; pair < 2; pair++) {
    double u1 = ((double)words[2 * pair] + 1) * 2.3283064365386963e-10;
    double angle = 6.283185307179586 * ((double)words[2 * pair + 1] * 2.3283064365386963e-10);
    double radius = sqrt(-2 * log(u1));
    i64 i = at + 2 * pair;
    if (i < p.n) {
      put(p.out, p.out_bf16, i, (float)(radius * cos(angle)));
    }
    if (i + 1 < p.n) {
      put(p.out, p.out_bf16, i + 1, (float)(radius * sin(angle)));
    }
  }
}

struct Epilogue {
  const void* y;
  const float* gate;
  void* out;
  i64 rows;
  int columns;
  int y_bf16;
  int out_bf16;
  int kind;
};

/**
 * Computes out = y, GELU(y), SiLU(y), out + y or out + gate * y, with kinds as in Epilogue.Kind and one gate per column. y may be
 * out.
 */
KERNEL(256, epilogue, Epilogue) {
  int column = (blockIdx.y * blockDim.x + threadIdx.x) * 8;
  if (column >= p.columns) {
    return;
  }
  int count = p.columns - column < 8 ? p.columns - column : 8;
  i64 at = (i64)blockIdx.x * p.columns + column;
  float y[8], before[8], gate[8];
  get8(p.y, p.y_bf16, at, count, y);
  if (p.kind >= 3) {
    get8(p.out, p.out_bf16, at, count, before);
  }
  if (p.kind == 4) {
    get8(p.gate, 0, column, count, gate);
  }
#pragma unroll
  for (int k = 0; k < 8; k++) {
    if (p.kind == 1) {
      y[k] = gelu(y[k]);
    } else if (p.kind == 2) {
      y[k] = silu(y[k]);
    } else if (p.kind == 3) {
      y[k] += before[k];
    } else if (p.kind == 4) {
      y[k] = before[k] + gate[k] * y[k];
    }
  }
  put8(p.out, p.out_bf16, at, count, y);
}

struct RowScaling {
  const void* weight;
  const float* gate;
  const float* bias;
  void* scaled;
  void* scaled_bias;
  int columns;
  int bf16;
  int bias_bf16;
};

/**
 * Multiplies row i of the weight and element i of the bias by gate i, which folds the gate into the layer. One block per row and
 * 2048 columns.
 */
KERNEL(256, scale_rows, RowScaling) {
  int column = (blockIdx.y * blockDim.x + threadIdx.x) * 8;
  float gate = p.gate[blockIdx.x];
  if (column == 0 && p.bias != 0) {
    put(p.scaled_bias, p.bias_bf16, blockIdx.x, gate * p.bias[blockIdx.x]);
  }
  if (column < p.columns) {
    float v[8];
    i64 at = (i64)blockIdx.x * p.columns + column;
    get8(p.weight, p.bf16, at, p.columns - column, v);
#pragma unroll
    for (int k = 0; k < 8; k++) {
      v[k] *= gate;
    }
    put8(p.scaled, p.bf16, at, p.columns - column, v);
  }
}
