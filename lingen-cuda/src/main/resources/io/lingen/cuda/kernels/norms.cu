// Norms of rows, and group norm. Statistics are in F32 and take two passes: over registers if a row fits them, otherwise over
// memory, which is then cached.
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

// A block is (32, rows) for narrow rows, with one warp per row, or (up to 512, 1) for wide ones. Threads beyond the last row take
// part in the reductions and write nothing.
DEVICE i64 row_of_thread() { return (i64)blockIdx.x * blockDim.y + threadIdx.y; }

/**
 * Computes out = (x - mean) / sqrt(variance + epsilon) (1 + scale) + shift.
 *
 * Blocks are persistent and process every n-th row, so scale and shift are loaded once per block, not per row. A thread keeps them
 * in shared memory for its first 8 columns, and prefetches these columns of the next row to registers. Rows of up to 4096 columns
 * need no others.
 */
KERNEL_RESIDENT(512, 2, modulated_layer_norm, RowNorm) {
  int step = blockDim.x * 8, first = threadIdx.x * 8, count = p.d - first;
  DYNAMIC_SHARED(memory);
  const int THREADS = blockDim.x * blockDim.y;
  // Layout: four columns per thread, interleaved over all threads, in the order scale, scale, shift, shift.
  float4* own = (float4*)memory + threadIdx.y * blockDim.x + threadIdx.x;
  float kept[8], next[8];
  get8(p.scale, 0, first, count, kept);
  get8(p.shift, 0, first, count, next);
#pragma unroll
  for (int k = 0; k < 2; k++) {
    own[k * THREADS] = make_float4(1 + kept[4 * k], 1 + kept[4 * k + 1], 1 + kept[4 * k + 2], 1 + kept[4 * k + 3]);
    own[(2 + k) * THREADS] = make_float4(next[4 * k], next[4 * k + 1], next[4 * k + 2], next[4 * k + 3]);
  }
  // The rows of this thread. All threads of a block iterate as long as one has a row.
  i64 row = row_of_thread(), stride = (i64)gridDim.x * blockDim.y;
  int rows = row < p.rows ? (int)((p.rows - row - 1) / stride) + 1 : 0;
  int turns = (int)((p.rows - (i64)blockIdx.x * blockDim.y - 1) / stride) + 1;
  i64 at = row * p.d + first;
  stride *= p.d;
  get8(p.x, p.x_bf16, at, rows > 0 ? count : 0, next);
#pragma unroll 1
  for (int turn = 0; turn < turns; turn++, at += stride) {
    int live = turn < rows ? count : 0;
    float sum = 0;
#pragma unroll
    for (int k = 0; k < 8; k++) {
      kept[k] = next[k];
      sum += kept[k];
    }
    // Prefetch the next row while this one is summed.
    get8(p.x, p.x_bf16, at + stride, turn + 1 < rows ? count : 0, next);
#pragma unroll 1
    for (int c = step; c < live; c += step) {
      float v[8];
      get8(p.x, p.x_bf16, at + c, live - c, v);
#pragma unroll
      for (int k = 0; k < 8; k++) {
        sum += v[k];
      }
    }
    float mean = row_sum(sum) / p.d;
    float squares = 0;
#pragma unroll
    for (int k = 0; k < 8; k++) {
      float centred = k < live ? kept[k] - mean : 0;
      squares += centred * centred;
    }
#pragma unroll 1
    for (int c = step; c < live; c += step) {
      float v[8];
      get8(p.x, p.x_bf16, at + c, live - c, v);
#pragma unroll
      for (int k = 0; k < 8; k++) {
        float centred = c + k < live ? v[k] - mean : 0;
        squares += centred * centred;
      }
    }
    float factor = 1 / sqrtf(row_sum(squares) / p.d + p.epsilon);
#pragma unroll
    for (int k = 0; k < 2; k++) {
      float4 scale = own[k * THREADS], shift = own[(2 + k) * THREADS];
      kept[4 * k] = (kept[4 * k] - mean) * factor * scale.x + shift.x;
      kept[4 * k + 1] = (kept[4 * k + 1] - mean) * factor * scale.y + shift.y;
      kept[4 * k + 2] = (kept[4 * k + 2] - mean) * factor * scale.z + shift.z;
      kept[4 * k + 3] = (kept[4 * k + 3] - mean) * factor * scale.w + shift.w;
    }
    put8(p.out, p.out_bf16, at, live, kept);
#pragma unroll 1
    for (int c = step; c < live; c += step) {
      float v[8], scale[8], shift[8];
      get8(p.x, p.x_bf16, at + c, live - c, v);
      get8(p.scale, 0, first + c, live - c, scale);
      get8(p.shift, 0, first + c, live - c, shift);
#pragma unroll
      for (int k = 0; k < 8; k++) {
        v[k] = (v[k] - mean) * factor * (1 + scale[k]) + shift[k];
      }
      put8(p.out, p.out_bf16, at + c, live - c, v);
    }
  }
}

/** The number of units of 8 columns that a thread keeps in registers. Rows of up to 8192 columns need no more. */
#define ROUNDS 2

/** Computes out = RMSNorm(x SiLU(z)) scale. out may be x, since each thread reads the elements that it writes. */
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
    // All loads first, so they overlap.
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

struct RmsNorm {
  const void* x;  // the first column of the first vector
  const float* weight;
  void* out;
  i64 vectors;
  i64 columns;  // from a row to the next
  int x_bf16;
  int out_bf16;
  int heads;  // vectors of a row
  int d;      // elements of a vector
  int silu;
  float epsilon;
};

/** Returns the sum over the threads of a vector: a power of two of lanes of a warp, or all threads of a block. */
DEVICE float vector_sum(float v) {
  if (blockDim.x >= WARP) {
    return row_sum(v);
  }
  for (int offset = blockDim.x / 2; offset > 0; offset /= 2) {
    v += __shfl_xor_sync(ALL_LANES, v, offset);
  }
  return v;
}

/**
 * Computes out = RMSNorm(x) weight, optionally followed by SiLU, for rows or for the heads of each row. out may be x, since each
 * thread reads the elements that it writes.
 */
KERNEL(512, rms_norm, RmsNorm) {
  i64 vector = row_of_thread();
  bool live = vector < p.vectors;
  i64 row = live ? vector / p.heads : 0;
  i64 base = live ? row * p.columns + (vector - row * p.heads) * p.d : 0;
  int step = blockDim.x * 8, first = threadIdx.x * 8;
  float kept[ROUNDS][8], v[8];
  float squares = 0;
#pragma unroll
  for (int i = 0; i < ROUNDS; i++) {
    int c = first + i * step;
    get8(p.x, p.x_bf16, base + c, p.d - c, kept[i]);
  }
#pragma unroll
  for (int i = 0; i < ROUNDS; i++) {
#pragma unroll
    for (int k = 0; k < 8; k++) {
      squares += kept[i][k] * kept[i][k];
    }
  }
#pragma unroll 1
  for (int c = first + ROUNDS * step; c < p.d; c += step) {
    get8(p.x, p.x_bf16, base + c, p.d - c, v);
#pragma unroll
    for (int k = 0; k < 8; k++) {
      squares += v[k] * v[k];
    }
  }
  float factor = 1 / sqrtf(vector_sum(squares) / p.d + p.epsilon);
  auto write = [&](int c, float* v) {
    float weight[8];
    get8(p.weight, 0, c, p.d - c, weight);
#pragma unroll
    for (int k = 0; k < 8; k++) {
      float y = v[k] * factor * weight[k];
      v[k] = p.silu ? p.out_bf16 ? silu_fast(y) : silu(y) : y;
    }
    put8(p.out, p.out_bf16, base + c, p.d - c, v);
  };
  if (!live) {
    return;
  }
#pragma unroll
  for (int i = 0; i < ROUNDS; i++) {
    int c = first + i * step;
    if (c < p.d) {
      write(c, kept[i]);
    }
  }
#pragma unroll 1
  for (int c = first + ROUNDS * step; c < p.d; c += step) {
    get8(p.x, p.x_bf16, base + c, p.d - c, v);
    write(c, v);
  }
}

struct GroupNorm {
  const void* x;
  const float* weight;
  const float* bias;
  float* parts;  // [frames, chunks, channels, 2]: mean, sum of squared differences from it
  float* groups_of_frames;  // [frames, groups, 2]: mean, 1 / deviation
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

#define GROUP_NORM_THREADS 256

/** Returns the number of cells of a chunk. The last chunk of a frame may have fewer. */
DEVICE int cells_of(const GroupNorm& p, int chunk) {
  i64 left = p.cells - (i64)chunk * p.chunk;
  return left < p.chunk ? (int)left : p.chunk;
}

// Blocks of group_norm_parts and group_norm_apply are (vectors of 8 channels, lines of cells). Some threads may have no channel. A
// block processes a chunk of the cells of a frame: blockIdx is (chunk, frame, slice of the vectors).

/**
 * Computes the statistics of every channel in a chunk: first of the cells of each thread, relative to its first cell, then merged
 * over the lines.
 */
KERNEL(GROUP_NORM_THREADS, group_norm_parts, GroupNorm) {
  int channel = (blockIdx.z * blockDim.x + threadIdx.x) * 8;
  int count = p.channels - channel, lines = blockDim.y, width = blockDim.x * 8;
  int cells = cells_of(p, blockIdx.x);
  i64 base = ((i64)blockIdx.y * p.cells + (i64)blockIdx.x * p.chunk) * p.channels + channel;
  float pivot[8], sum[8], squares[8];
#pragma unroll
  for (int k = 0; k < 8; k++) {
    sum[k] = squares[k] = 0;
  }
  // Lines without a cell use the pivot of the first line, and have weight 0 below.
  get8(p.x, p.x_bf16, base + (i64)((int)threadIdx.y < cells ? threadIdx.y : 0) * p.channels, count, pivot);
#pragma unroll 4
  for (int cell = threadIdx.y + lines; cell < cells; cell += lines) {
    float v[8];
    get8(p.x, p.x_bf16, base + (i64)cell * p.channels, count, v);
#pragma unroll
    for (int k = 0; k < 8; k++) {
      float deviation = v[k] - pivot[k];
      sum[k] += deviation;
      squares[k] += deviation * deviation;
    }
  }
  __shared__ float means[GROUP_NORM_THREADS * 8], differences[GROUP_NORM_THREADS * 8];
  int mine = (cells - (int)threadIdx.y + lines - 1) / lines;
  float share = mine > 0 ? 1.0f / mine : 0;
#pragma unroll
  for (int k = 0; k < 8; k++) {
    means[threadIdx.y * width + threadIdx.x * 8 + k] = pivot[k] + sum[k] * share;
    differences[threadIdx.y * width + threadIdx.x * 8 + k] = squares[k] - sum[k] * sum[k] * share;
  }
  __syncthreads();
  for (int i = threadIdx.y * blockDim.x + threadIdx.x; i < width; i += blockDim.x * lines) {
    int c = blockIdx.z * width + i;
    if (c >= p.channels) {
      break;
    }
    float mean = 0, total = 0;
    for (int line = 0; line < lines; line++) {
      mean += means[line * width + i] * ((cells - line + lines - 1) / lines);
    }
    mean /= cells;
    for (int line = 0; line < lines; line++) {
      float deviation = means[line * width + i] - mean;
      total += differences[line * width + i] + deviation * deviation * ((cells - line + lines - 1) / lines);
    }
    float* part = p.parts + (((i64)blockIdx.y * p.chunks + blockIdx.x) * p.channels + c) * 2;
    part[0] = mean;
    part[1] = total;
  }
}

/** Merges the statistics of all chunks and channels of a (frame, group), in a fixed order. */
KERNEL(128, group_norm_merge, GroupNorm) {
  int width = p.channels / p.groups;
  const float2* parts = (const float2*)p.parts + (i64)blockIdx.y * p.chunks * p.channels + blockIdx.x * width;
  float n = (float)p.cells * width;
  float sum = 0, squares = 0;
  for (int i = threadIdx.x; i < p.chunks * width; i += blockDim.x) {
    int chunk = i / width;
    sum += parts[(i64)chunk * p.channels + i % width].x * cells_of(p, chunk);
  }
  float mean = row_sum(sum) / n;
  for (int i = threadIdx.x; i < p.chunks * width; i += blockDim.x) {
    int chunk = i / width;
    float2 part = parts[(i64)chunk * p.channels + i % width];
    squares += part.y + (part.x - mean) * (part.x - mean) * cells_of(p, chunk);
  }
  squares = row_sum(squares);
  if (threadIdx.x == 0) {
    float* group = p.groups_of_frames + ((i64)blockIdx.y * p.groups + blockIdx.x) * 2;
    group[0] = mean;
    group[1] = 1 / sqrtf(squares / n + p.epsilon);
  }
}

/** Computes out = (x - mean) / deviation weight + bias, optionally followed by SiLU. out may be x. */
KERNEL(GROUP_NORM_THREADS, group_norm_apply, GroupNorm) {
  int channel = (blockIdx.z * blockDim.x + threadIdx.x) * 8;
  int count = p.channels - channel, width = p.channels / p.groups;
  if (count <= 0) {
    return;
  }
  float means[8], factors[8], bias[8];
  get8(p.weight, 0, channel, count, factors);
  get8(p.bias, 0, channel, count, bias);
#pragma unroll
  for (int k = 0; k < 8; k++) {
    const float* group = p.groups_of_frames + ((i64)blockIdx.y * p.groups + min(channel + k, p.channels - 1) / width) * 2;
    means[k] = group[0];
    factors[k] *= group[1];
  }
  int cells = cells_of(p, blockIdx.x);
  i64 base = ((i64)blockIdx.y * p.cells + (i64)blockIdx.x * p.chunk) * p.channels + channel;
#pragma unroll 2
  for (int cell = threadIdx.y; cell < cells; cell += blockDim.y) {
    i64 at = base + (i64)cell * p.channels;
    float v[8];
    get8(p.x, p.x_bf16, at, count, v);
#pragma unroll
    for (int k = 0; k < 8; k++) {
      float y = (v[k] - means[k]) * factors[k] + bias[k];
      v[k] = p.silu ? p.out_bf16 ? silu_fast(y) : silu(y) : y;
    }
    put8(p.out, p.out_bf16, at, count, v);
  }
}
