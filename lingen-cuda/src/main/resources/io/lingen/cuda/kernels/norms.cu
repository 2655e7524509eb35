// Norms over rows, and group norm. Statistics in F32, always in two passes: over registers as far as a row fits them, else over what is
// read again from cache.
#include "device.cuh"

struct RowNorm {
  const void* x;
  const void* z;
  const float* scale;
  const float* shift;
  void* out;
  i64 rows;
  int x_bf16;
  int z_bf16;
  int out_bf16;
  int d;
  float epsilon;
};

// A block is (32, rows) for narrow rows, a warp each, or (up to 512, 1) for wide ones. Threads of rows beyond the last one take part in the
// reductions and write nothing.
DEVICE i64 row_of_thread() { return (i64)blockIdx.x * blockDim.y + threadIdx.y; }

/** As often as a thread's 8 columns of a row stay in registers; rows of up to 8192 columns need no more. */
#define ROUNDS 2

/** out = (x - mean) / sqrt(variance + epsilon) (1 + scale) + shift */
KERNEL(512, modulated_layer_norm, RowNorm) {
  i64 row = row_of_thread();
  bool live = row < p.rows;
  i64 base = (live ? row : 0) * p.d;
  int step = blockDim.x * 8, first = threadIdx.x * 8;
  float kept[ROUNDS][8], v[8];
  float sum = 0;
#pragma unroll
  for (int i = 0; i < ROUNDS; i++) {
    int c = first + i * step;
    if (c < p.d) {
      get8(p.x, p.x_bf16, base + c, p.d - c, kept[i]);
#pragma unroll
      for (int k = 0; k < 8; k++) {
        sum += kept[i][k];
      }
    }
  }
  for (int c = first + ROUNDS * step; c < p.d; c += step) {
    get8(p.x, p.x_bf16, base + c, p.d - c, v);
#pragma unroll
    for (int k = 0; k < 8; k++) {
      sum += v[k];
    }
  }
  float mean = row_sum(sum) / p.d;
  float squares = 0;
#pragma unroll
  for (int i = 0; i < ROUNDS; i++) {
#pragma unroll
    for (int k = 0; k < 8; k++) {
      float centred = first + i * step + k < p.d ? kept[i][k] - mean : 0;
      squares += centred * centred;
    }
  }
  for (int c = first + ROUNDS * step; c < p.d; c += step) {
    get8(p.x, p.x_bf16, base + c, p.d - c, v);
#pragma unroll
    for (int k = 0; k < 8; k++) {
      float centred = c + k < p.d ? v[k] - mean : 0;
      squares += centred * centred;
    }
  }
  float factor = 1 / sqrtf(row_sum(squares) / p.d + p.epsilon);
  if (!live) {
    return;
  }
  auto write = [&](int c, float* v) {
    float scale[8], shift[8];
    get8(p.scale, 0, c, p.d - c, scale);
    get8(p.shift, 0, c, p.d - c, shift);
#pragma unroll
    for (int k = 0; k < 8; k++) {
      v[k] = (v[k] - mean) * factor * (1 + scale[k]) + shift[k];
    }
    put8(p.out, p.out_bf16, base + c, p.d - c, v);
  };
#pragma unroll
  for (int i = 0; i < ROUNDS; i++) {
    if (first + i * step < p.d) {
      write(first + i * step, kept[i]);
    }
  }
  for (int c = first + ROUNDS * step; c < p.d; c += step) {
    get8(p.x, p.x_bf16, base + c, p.d - c, v);
    write(c, v);
  }
}

/** out = RMSNorm(x SiLU(z)) scale; out may be x: a thread reads what it writes. */
KERNEL(512, gated_rms_norm, RowNorm) {
  i64 row = row_of_thread();
  bool live = row < p.rows;
  i64 base = (live ? row : 0) * p.d;
  int step = blockDim.x * 8, first = threadIdx.x * 8;
  auto gated = [&](int c, float* v) {
    float z[8];
    get8(p.x, p.x_bf16, base + c, p.d - c, v);
    get8(p.z, p.z_bf16, base + c, p.d - c, z);
#pragma unroll
    for (int k = 0; k < 8; k++) {
      v[k] *= p.out_bf16 ? silu_fast(z[k]) : silu(z[k]);
    }
  };
  float kept[ROUNDS][8], v[8];
  if (p.x_bf16 && p.z_bf16 && p.out_bf16 && p.d % 8 == 0 && is_aligned(p.x) && is_aligned(p.z)) {
    // All loads first, none waits for another.
    uint4 xs[ROUNDS], zs[ROUNDS];
#pragma unroll
    for (int i = 0; i < ROUNDS; i++) {
      xs[i] = zs[i] = make_uint4(0, 0, 0, 0);
      if (first + i * step < p.d) {
        xs[i] = *(const uint4*)((const u16*)p.x + base + first + i * step);
        zs[i] = *(const uint4*)((const u16*)p.z + base + first + i * step);
      }
    }
#pragma unroll
    for (int i = 0; i < ROUNDS; i++) {
      float z[8];
      unpack8(xs[i], kept[i]);
      unpack8(zs[i], z);
#pragma unroll
      for (int k = 0; k < 8; k++) {
        kept[i][k] *= silu_fast(z[k]);
      }
    }
  } else {
#pragma unroll
    for (int i = 0; i < ROUNDS; i++) {
      if (first + i * step < p.d) {
        gated(first + i * step, kept[i]);
      } else {
#pragma unroll
        for (int k = 0; k < 8; k++) {
          kept[i][k] = 0;
        }
      }
    }
  }
  float squares = 0;
#pragma unroll
  for (int i = 0; i < ROUNDS; i++) {
#pragma unroll
    for (int k = 0; k < 8; k++) {
      squares += kept[i][k] * kept[i][k];
    }
  }
  for (int c = first + ROUNDS * step; c < p.d; c += step) {
    gated(c, v);
#pragma unroll
    for (int k = 0; k < 8; k++) {
      squares += v[k] * v[k];
    }
  }
  float factor = 1 / sqrtf(row_sum(squares) / p.d + p.epsilon);
  if (!live) {
    return;
  }
  auto write = [&](int c, float* v) {
    float scale[8];
    get8(p.scale, 0, c, p.d - c, scale);
#pragma unroll
    for (int k = 0; k < 8; k++) {
      v[k] *= factor * scale[k];
    }
    put8(p.out, p.out_bf16, base + c, p.d - c, v);
  };
#pragma unroll
  for (int i = 0; i < ROUNDS; i++) {
    if (first + i * step < p.d) {
      write(first + i * step, kept[i]);
    }
  }
  for (int c = first + ROUNDS * step; c < p.d; c += step) {
    gated(c, v);
    write(c, v);
  }
}

struct HeadNorm {
  void* x;
  const float* weight;
  i64 vectors;
  i64 columns;
  int x_bf16;
  int heads;
  int head_dim;
  float epsilon;
};

/** RMSNorm of every head's vector in place; a warp per vector. */
KERNEL(256, head_rms_norm, HeadNorm) {
  i64 vector = (i64)blockIdx.x * (blockDim.x / WARP) + threadIdx.x / WARP;
  bool live = vector < p.vectors;
  i64 at = live ? vector / p.heads * p.columns + vector % p.heads * p.head_dim : 0;
  int lane = threadIdx.x % WARP;
  float squares = 0;
  for (int c = lane; c < p.head_dim; c += WARP) {
    float v = get(p.x, p.x_bf16, at + c);
    squares += v * v;
  }
  float factor = 1 / sqrtf(warp_sum(squares) / p.head_dim + p.epsilon);
  for (int c = lane; live && c < p.head_dim; c += WARP) {
    put(p.x, p.x_bf16, at + c, get(p.x, p.x_bf16, at + c) * factor * p.weight[c]);
  }
}

struct GroupNorm {
  const void* x;
  const float* weight;
  const float* bias;
  float* parts;
  void* out;
  i64 cells;
  int x_bf16;
  int out_bf16;
  int channels;
  int groups;
  int chunk;
  int chunks;
  int silu;
  float epsilon;
};

/** Mean and sum of squared differences of one group in one chunk of a frame's cells: parts[frame, chunk, group, 2]. */
KERNEL(256, group_norm_parts, GroupNorm) {
  int group = blockIdx.x, chunk = blockIdx.y, frame = blockIdx.z;
  int width = p.channels / p.groups;
  i64 first = (i64)chunk * p.chunk;
  int cells = (int)(p.cells - first < p.chunk ? p.cells - first : p.chunk);
  i64 base = ((i64)frame * p.cells + first) * p.channels + group * width;
  int n = cells * width;
  float sum = 0;
  for (int i = threadIdx.x; i < n; i += blockDim.x) {
    sum += get(p.x, p.x_bf16, base + (i64)(i / width) * p.channels + i % width);
  }
  float mean = row_sum(sum) / n;
  float squares = 0;
  for (int i = threadIdx.x; i < n; i += blockDim.x) {
    float centred = get(p.x, p.x_bf16, base + (i64)(i / width) * p.channels + i % width) - mean;
    squares += centred * centred;
  }
  squares = row_sum(squares);
  if (threadIdx.x == 0) {
    float* part = p.parts + (((i64)frame * p.chunks + chunk) * p.groups + group) * 2;
    part[0] = mean;
    part[1] = squares;
  }
}

/** Merges the chunks of a (frame, group) in order: parts[frame, 0, group] becomes mean and 1 / deviation. */
KERNEL(32, group_norm_merge, GroupNorm) {
  int group = blockIdx.x * blockDim.x + threadIdx.x, frame = blockIdx.y;
  if (group >= p.groups) {
    return;
  }
  int width = p.channels / p.groups;
  float* part = p.parts + ((i64)frame * p.chunks * p.groups + group) * 2;
  float mean = 0, squares = 0, count = 0;
  for (int chunk = 0; chunk < p.chunks; chunk++) {
    i64 left = p.cells - (i64)chunk * p.chunk;
    float n = (float)(left < p.chunk ? left : p.chunk) * width;
    float apart = part[(i64)chunk * p.groups * 2] - mean;
    squares += part[(i64)chunk * p.groups * 2 + 1] + apart * apart * count * n / (count + n);
    mean += apart * n / (count + n);
    count += n;
  }
  part[0] = mean;
  part[1] = 1 / sqrtf(squares / count + p.epsilon);
}

/** out = (x - mean) / deviation weight + bias, then SiLU if asked; out may be x. Eight channels a thread. */
KERNEL(256, group_norm_apply, GroupNorm) {
  int vectors = (p.channels + 7) / 8;
  i64 i = (i64)blockIdx.x * blockDim.x + threadIdx.x;
  i64 cell = i / vectors;
  int channel = (int)(i - cell * vectors) * 8;
  if (cell >= p.cells) {
    return;
  }
  int frame = blockIdx.y;
  int width = p.channels / p.groups;
  i64 at = ((i64)frame * p.cells + cell) * p.channels + channel;
  const float* parts = p.parts + (i64)frame * p.chunks * p.groups * 2;
  float v[8], weight[8], bias[8];
  get8(p.x, p.x_bf16, at, p.channels - channel, v);
  get8(p.weight, 0, channel, p.channels - channel, weight);
  get8(p.bias, 0, channel, p.channels - channel, bias);
#pragma unroll
  for (int k = 0; k < 8; k++) {
    if (channel + k < p.channels) {
      int group = (channel + k) / width;
      float y = (v[k] - parts[group * 2]) * parts[group * 2 + 1] * weight[k] + bias[k];
      v[k] = p.silu ? silu(y) : y;
    }
  }
  put8(p.out, p.out_bf16, at, p.channels - channel, v);
}
