// Convolution over channels-last videos as an implicit GEMM: rows are output cells, columns are output channels, and the sum is
// over (tap, input channel). The input matrix is never stored. A linear layer is a convolution with one tap.
//
// BF16: tiles of 128 x 128 x 32, eight warps of 32 x 64, mma.m16n8k16, and three tiles in flight by cp.async if the rows of the
// input are aligned. F32: tiles of 64 x 64 x 16, with 4 x 4 sums per thread and no tensor cores, since TF32 has fewer digits than
// F32.
#include "device.cuh"

struct Gemm {
  const void* x;       // [T, H, W, C]
  const void* weight;  // [O, taps, C]
  const float* bias;   // [O] or null
  const float* gate;   // [O] for kind 4
  void* out;           // [rows, O]
  i64 rows;
  int x_bf16;
  int out_bf16;
  int t, h, w, c;
  int oh, ow, o;
  int kt, kh, kw;
  int st, sh, sw;
  int pt, ph, pw;  // zeros before the input
  int kind;
};

/** A term of the sum over (tap, channel). It is advanced incrementally: divisions in each step would take longer than the products. */
struct Term {
  int t, h, w, channel;

  DEVICE void advance(const Gemm& p, int by) {
    channel += by;
    while (channel >= p.c) {
      channel -= p.c;
      if (++w == p.kw) {
        w = 0;
        if (++h == p.kh) {
          h = 0;
          t++;
        }
      }
    }
  }

  DEVICE bool live(const Gemm& p) const { return t < p.kt; }
};

/** The input cells of an output row. */
struct RowCells {
  int t, h, w;
  bool live;

  DEVICE void locate(const Gemm& p, i64 row) {
    live = row < p.rows;
    i64 cell = live ? row : 0;
    i64 line = cell / p.ow;
    w = (int)(cell - line * p.ow) * p.sw - p.pw;
    i64 frame = line / p.oh;
    h = (int)(line - frame * p.oh) * p.sh - p.ph;
    t = (int)frame * p.st - p.pt;
  }

  /** Returns the input cell of a term, or -1 in the padding. */
  DEVICE i64 cell(const Gemm& p, const Term& term) const {
    int tt = t + term.t, hh = h + term.h, ww = w + term.w;
    bool inside = live && term.live(p) && (u32)tt < (u32)p.t && (u32)hh < (u32)p.h && (u32)ww < (u32)p.w;
    return inside ? ((i64)tt * p.h + hh) * p.w + ww : -1;
  }
};

DEVICE float apply_epilogue(const Gemm& p, float y, int column, i64 at) {
  if (p.bias != 0) {
    y += p.bias[column];
  }
  if (p.kind == 1) {
    return gelu(y);
  }
  if (p.kind == 2) {
    return silu(y);
  }
  if (p.kind == 3) {
    return get(p.out, p.out_bf16, at) + y;
  }
  if (p.kind == 4) {
    return get(p.out, p.out_bf16, at) + p.gate[column] * y;
  }
  return y;
}

#define TILE_M 128
#define TILE_N 128
#define TILE_K 32
#define PITCH (TILE_K + 8)
#define STAGES 3
#define STAGE ((TILE_M + TILE_N) * PITCH)

/** Returns the input element of a row and a term. */
DEVICE float input_of(const Gemm& p, const RowCells& cells, const Term& term) {
  i64 cell = cells.cell(p, term);
  return cell < 0 ? 0 : get(p.x, p.x_bf16, cell * p.c + term.channel);
}

KERNEL(256, gemm_bf16, Gemm) {
  DYNAMIC_SHARED(memory);
  u16* shared = (u16*)memory;
  int depth = p.kt * p.kh * p.kw * p.c;
  int steps = (depth + TILE_K - 1) / TILE_K;
  i64 first_row = (i64)blockIdx.x * TILE_M;
  int first_column = blockIdx.y * TILE_N;
  int thread = threadIdx.x, lane = thread % WARP, warp = thread / WARP;
  // Each thread copies eight neighboring elements of two rows of each operand.
  int k8 = thread % 4 * 8;
  bool vectorized = p.c % 8 == 0;
  bool direct = vectorized && p.x_bf16 && is_aligned(p.x);
  bool direct_weight = depth % 8 == 0 && is_aligned(p.weight);
  RowCells cells[2];
  cells[0].locate(p, first_row + thread / 4);
  cells[1].locate(p, first_row + thread / 4 + 64);
  Term term = {0, 0, 0, 0};
  term.advance(p, k8);

  // Loads the tiles of a step. Called for consecutive steps.
  auto load = [&](int step) {
    u16* a = shared + step % STAGES * STAGE;
    u16* b = a + TILE_M * PITCH;
    int k = step * TILE_K + k8;
#pragma unroll
    for (int half = 0; half < 2; half++) {
      int row = thread / 4 + half * 64;
      u16* to = a + row * PITCH + k8;
      if (vectorized) {
        i64 cell = cells[half].cell(p, term);
        i64 at = cell * p.c + term.channel;
        if (cell < 0) {
          *(uint4*)to = make_uint4(0, 0, 0, 0);
        } else if (direct) {
          copy_async(to, (const u16*)p.x + at);
        } else {
          float v[8];
          get8(p.x, p.x_bf16, at, 8, v);
          *(uint4*)to = pack8(v);
        }
      } else {
        Term each = term;
#pragma unroll 1
        for (int i = 0; i < 8; i++) {
          to[i] = round_bf16(input_of(p, cells[half], each));
          each.advance(p, 1);
        }
      }
      to = b + row * PITCH + k8;
      int column = first_column + row;
      i64 at = (i64)column * depth + k;
      if (column >= p.o || k >= depth) {
        *(uint4*)to = make_uint4(0, 0, 0, 0);
      } else if (direct_weight) {
        copy_async(to, (const u16*)p.weight + at);
      } else {
        float v[8];
        get8(p.weight, 1, at, depth - k, v);
        *(uint4*)to = pack8(v);
      }
    }
    term.advance(p, TILE_K);
  };

  float sums[2][8][4];
#pragma unroll
  for (int i = 0; i < 2; i++) {
#pragma unroll
    for (int j = 0; j < 8; j++) {
#pragma unroll
      for (int k = 0; k < 4; k++) {
        sums[i][j][k] = 0;
      }
    }
  }
  int warp_row = warp / 2 * 32, warp_column = warp % 2 * 64;
#pragma unroll
  for (int step = 0; step < STAGES - 1; step++) {
    if (step < steps) {
      load(step);
    }
    commit_copies();
  }
  for (int step = 0; step < steps; step++) {
    wait_copies<STAGES - 2>();
    __syncthreads();
    if (step + STAGES - 1 < steps) {
      load(step + STAGES - 1);
    }
    commit_copies();
    const u16* a = shared + step % STAGES * STAGE;
    const u16* b = a + TILE_M * PITCH;
#pragma unroll
    for (int k = 0; k < TILE_K; k += 16) {
      u32 left[2][4], right[4][4];
#pragma unroll
      for (int i = 0; i < 2; i++) {
        load_matrices(left[i], a + (warp_row + i * 16 + lane % 16) * PITCH + k + lane / 16 * 8);
      }
#pragma unroll
      for (int j = 0; j < 4; j++) {
        load_matrices(
            right[j],
            b + (warp_column + j * 16 + lane % 8 + lane / 16 * 8) * PITCH + k + lane / 8 % 2 * 8);
      }
#pragma unroll
      for (int i = 0; i < 2; i++) {
#pragma unroll
        for (int j = 0; j < 8; j++) {
          mma_bf16(sums[i][j], left[i], right[j / 2] + j % 2 * 2);
        }
      }
    }
  }
  wait_copies<0>();
#pragma unroll
  for (int i = 0; i < 2; i++) {
#pragma unroll
    for (int r = 0; r < 2; r++) {
      i64 row = first_row + warp_row + i * 16 + lane / 4 + r * 8;
      if (row < p.rows) {
#pragma unroll
        for (int j = 0; j < 8; j++) {
          int column = first_column + warp_column + j * 8 + lane % 4 * 2;
          i64 at = row * p.o + column;
          float first = column < p.o ? apply_epilogue(p, sums[i][j][2 * r], column, at) : 0;
          float second = column + 1 < p.o ? apply_epilogue(p, sums[i][j][2 * r + 1], column + 1, at + 1) : 0;
          put2(p.out, p.out_bf16, at, p.o - column, first, second);
        }
      }
    }
  }
}

#define SMALL_TILE 64
#define SMALL_DEPTH 16

KERNEL(256, gemm_f32, Gemm) {
  __shared__ float a[SMALL_DEPTH][SMALL_TILE + 4];
  __shared__ float b[SMALL_DEPTH][SMALL_TILE + 4];
  int depth = p.kt * p.kh * p.kw * p.c;
  i64 first_row = (i64)blockIdx.x * SMALL_TILE;
  int first_column = blockIdx.y * SMALL_TILE;
  int thread = threadIdx.x;
  // Each thread copies four neighboring elements of one row of each operand.
  int row = thread / 4, k4 = thread % 4 * 4;
  RowCells cells;
  cells.locate(p, first_row + row);
  float sums[4][4] = {{0, 0, 0, 0}, {0, 0, 0, 0}, {0, 0, 0, 0}, {0, 0, 0, 0}};
  int y = thread / 16 * 4, x = thread % 16 * 4;
  Term term = {0, 0, 0, 0};
  term.advance(p, k4);
  for (int k0 = 0; k0 < depth; k0 += SMALL_DEPTH) {
    __syncthreads();
    Term each = term;
    term.advance(p, SMALL_DEPTH);
#pragma unroll
    for (int i = 0; i < 4; i++) {
      int k = k0 + k4 + i;
      a[k4 + i][row] = input_of(p, cells, each);
      each.advance(p, 1);
      int column = first_column + row;
      b[k4 + i][row] = k < depth && column < p.o ? ((const float*)p.weight)[(i64)column * depth + k] : 0;
    }
    __syncthreads();
#pragma unroll
    for (int k = 0; k < SMALL_DEPTH; k++) {
#pragma unroll
      for (int i = 0; i < 4; i++) {
#pragma unroll
        for (int j = 0; j < 4; j++) {
          sums[i][j] += a[k][y + i] * b[k][x + j];
        }
      }
    }
  }
#pragma unroll
  for (int i = 0; i < 4; i++) {
#pragma unroll
    for (int j = 0; j < 4; j++) {
      i64 out_row = first_row + y + i;
      int column = first_column + x + j;
      if (out_row < p.rows && column < p.o) {
        i64 at = out_row * p.o + column;
        put(p.out, p.out_bf16, at, apply_epilogue(p, sums[i][j], column, at));
      }
    }
  }
}
