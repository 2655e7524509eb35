// Convolution over channels-last videos on compute capability 9.0 as an implicit GEMM: rows are 256 output cells, a box of the
// video; columns are 64 or 128 output channels; and the sum is over slabs of 64 input channels and, within a slab, over taps. Types
// are BF16, strides are 1, and rows must be copyable in units of 16 bytes. gemm.cu handles all other cases.
//
// The input cells of a box, a patch, are copied to shared memory once per slab. Each tap reads other rows of the patch, so only its
// weights have to be loaded. One warpgroup loads. Two compute 128 cells each, whose channels they load from the patch to registers
// as the left operand of wgmma. Blocks are persistent and process every n-th box.
#include "hopper.cuh"

#define CONSUMERS 2
#define SLAB 64          // channels, a row of 128 bytes of the 128-byte swizzle
#define PATCH_ROWS 384   // a multiple of 8
#define PATCHES 2
#define STAGES 4         // of weights
#define BIASES 4         // a bias is read with the first weights of its box, when the loader may be two patches ahead

struct Convolution {
  const void* x;       // [t, h, w, c], BF16
  const void* weight;  // [o, taps, c], BF16
  const float* bias;   // [o] or null
  void* out;           // [ot, oh, ow, o]
  int out_bf16;
  int t, h, w, c;
  int ot, oh, ow, o;
  int kt, kh, kw;
  int pt, ph, pw;           // zeros before the input
  int box_t, box_h, box_w;  // logarithms to base 2, whose sum is 8
};

/**
 * The barriers: data is complete (full), or no longer used (empty). The first weights of a slab are complete after its patch, and
 * the first weights of a box after its bias, since these copies are started before.
 */
struct Barriers {
  u64 patch_empty[PATCHES];
  u64 weights_full[STAGES], weights_empty[STAGES];
};

/** The layout of shared memory. */
template <int N>
struct Shared {
  unsigned char* memory;

  DEVICE unsigned char* patch(u32 count) const { return memory + count % PATCHES * PATCH_ROWS * 128; }
  DEVICE u32 weights(u32 count) const {
    return shared_address(memory) + PATCHES * PATCH_ROWS * 128 + count % STAGES * N * 128;
  }
  DEVICE u16* out() const { return (u16*)(memory + PATCHES * PATCH_ROWS * 128 + STAGES * N * 128); }  // [16][N] per warp
  DEVICE Barriers* barriers() const { return (Barriers*)(out() + CONSUMERS * 64 * N); }
  DEVICE int* cells() const { return (int*)(barriers() + 1); }  // [PATCH_ROWS] of the input, -1 in the padding
  DEVICE float* bias(u32 count) const { return (float*)(cells() + PATCH_ROWS) + count % BIASES * N; }
};

/** The number of boxes along each axis, and the size of a patch. */
struct Geometry {
  int boxes_t, boxes_h, boxes_w, groups;  // of N output channels
  int height, width, rows, taps;          // of a patch

  DEVICE void locate(const Convolution& p, int n) {
    boxes_t = (p.ot + (1 << p.box_t) - 1) >> p.box_t;
    boxes_h = (p.oh + (1 << p.box_h) - 1) >> p.box_h;
    boxes_w = (p.ow + (1 << p.box_w) - 1) >> p.box_w;
    groups = (p.o + n - 1) / n;
    height = (1 << p.box_h) + p.kh - 1;
    width = (1 << p.box_w) + p.kw - 1;
    rows = ((1 << p.box_t) + p.kt - 1) * height * width;
    taps = p.kt * p.kh * p.kw;
  }

  DEVICE int count() const { return boxes_t * boxes_h * boxes_w * groups; }
};

/** The first cell and the first output channel of a box. Neighboring boxes have the same cells and other channels. */
struct Box {
  int t, h, w, column;

  DEVICE void locate(const Convolution& p, const Geometry& all, int index, int n) {
    column = index % all.groups * n;
    index /= all.groups;
    w = index % all.boxes_w << p.box_w;
    index /= all.boxes_w;
    h = index % all.boxes_h << p.box_h;
    t = index / all.boxes_h << p.box_t;
  }
};

/** Runs the loading warpgroup, with eight lanes per row and four rows per warp at a time. */
template <int N>
DEVICE void load(const Convolution& p, const Geometry& all, const Shared<N>& shared) {
  Barriers* barriers = shared.barriers();
  int* cells = shared.cells();
  int unit = threadIdx.x % 8, line = threadIdx.x / 8;
  u32 boxes = 0, patches = 0, stages = 0;
#pragma unroll 1
  for (int index = blockIdx.x; index < all.count(); index += gridDim.x, boxes++) {
    Box box;
    box.locate(p, all, index, N);
    // Wait until the rows of the previous box are no longer read, write those of this box, and make them visible.
    sync_threads(1, GROUP);
    for (int row = threadIdx.x; row < all.rows; row += GROUP) {
      int plane = row / all.width;
      int t = box.t + plane / all.height - p.pt, h = box.h + plane % all.height - p.ph;
      int w = box.w + row % all.width - p.pw;
      bool inside = (u32)t < (u32)p.t && (u32)h < (u32)p.h && (u32)w < (u32)p.w;
      cells[row] = inside ? (t * p.h + h) * p.w + w : -1;
    }
    sync_threads(1, GROUP);
#pragma unroll 1
    for (int slab = 0; slab < p.c; slab += SLAB) {
      int channel = slab + unit * 8;
      bool has_channel = channel < p.c;
      const unsigned char* from = (const unsigned char*)p.x + channel * 2;
      u32 to = shared_address(shared.patch(patches));
      wait(&barriers->patch_empty[patches % PATCHES], patches / PATCHES % 2 ^ 1);
#pragma unroll 4
      for (int row = line; row < all.rows; row += GROUP / 8) {
        int cell = cells[row];
        copy_async_or_zero(
            to + row * 128 + (unit ^ row % 8) * 16, from + row_offset(max(cell, 0), p.c * 2), has_channel && cell >= 0 ? 16 : 0);
      }
      patches++;
      if (slab == 0 && threadIdx.x < N / 4) {
        int column = box.column + threadIdx.x * 4;
        int bytes = p.bias != 0 ? min(max(p.o - column, 0), 4) * 4 : 0;
        copy_async_or_zero(
            shared_address(shared.bias(boxes) + threadIdx.x * 4), bytes > 0 ? p.bias + column : (const float*)p.weight, bytes);
      }
#pragma unroll 1
      for (int tap = 0; tap < all.taps; tap++) {
        u32 stage = stages % STAGES;
        to = shared.weights(stages) + line * 128 + (unit ^ line % 8) * 16;
        const unsigned char* weight = (const unsigned char*)p.weight + ((i64)tap * p.c + channel) * 2;
        wait(&barriers->weights_empty[stage], stages / STAGES % 2 ^ 1);
#pragma unroll
        for (int i = 0; i < N * 8 / GROUP; i++) {
          int row = line + i * (GROUP / 8), column = box.column + row;
          bool live = has_channel && column < p.o;
          copy_async_or_zero(
              to + i * (GROUP / 8) * 128, weight + row_offset(live ? column : 0, all.taps * p.c * 2), live ? 16 : 0);
        }
        arrive_when_copied(&barriers->weights_full[stage]);
        stages++;
      }
    }
  }
  // The consumers wait for all copies, but a thread must not end before its own.
  commit_copies();
  wait_copies<0>();
}

/**
 * Writes the 16 cells of a warp to the output. They are staged in shared memory, to write neighboring channels together. Lane i
 * passes the index of cell i % 16 in the output, or -1 for none.
 *
 * @param staged the buffer of the warp in shared memory, [16][N] of BF16
 */
template <int N>
DEVICE void write_out(const Convolution& p, int first_column, int cell, const float* sums, u16* staged) {
  int lane = threadIdx.x % WARP;
  if (p.out_bf16 && p.o % 8 == 0 && is_aligned(p.out)) {
    const int UNITS = N / 8;            // of 16 bytes
    const int TOGETHER = WARP / UNITS;  // cells of one instruction
#pragma unroll
    for (int i = 0; i < N / 4; i++) {
      *(u32*)(staged + place<N>(lane / 4 + i % 2 * 8, i / 2) + lane % 4 * 2) = pack_bf16(sums[2 * i], sums[2 * i + 1]);
    }
    __syncwarp();
    int unit = lane % UNITS, line = lane / UNITS;
    unsigned char* to = (unsigned char*)p.out + (first_column + unit * 8) * 2;
#pragma unroll
    for (int i = 0; i < 16 / TOGETHER; i++) {
      int target = __shfl_sync(ALL_LANES, cell, i * TOGETHER + line);
      uint4 values = *(const uint4*)(staged + place<N>(i * TOGETHER + line, unit));
      if (target >= 0 && first_column + unit * 8 < p.o) {
        *(uint4*)(to + row_offset(target, p.o * 2)) = values;
      }
    }
    __syncwarp();
    return;
  }
  // In F32, the buffer holds half of the columns.
  float* wide = (float*)staged;
#pragma unroll
  for (int half = 0; half < 2; half++) {
#pragma unroll
    for (int i = 0; i < N / 4; i++) {
      wide[(lane / 4 + i / 2 % 2 * 8) * (N / 2) + i / 4 * 8 + lane % 4 * 2 + i % 2] = sums[half * (N / 4) + i];
    }
    __syncwarp();
#pragma unroll 1
    for (int i = lane; i < 16 * N / 2; i += WARP) {
      int target = __shfl_sync(ALL_LANES, cell, i / (N / 2)), column = first_column + half * (N / 2) + i % (N / 2);
      if (target >= 0 && column < p.o) {
        put(p.out, p.out_bf16, (i64)target * p.o + column, wide[i]);
      }
    }
    __syncwarp();
  }
}

/** The position of a computing warpgroup: the next tap, the rows of the patch for it, and its weights. */
template <int N>
struct Reader {
  const Shared<N>& shared;
  u32 patches = 0, stages = 0;
  // The rows of the lane's cells in a patch for the first tap, and the distance to those of this tap.
  u32 first[2], shift = 0;
  // The distances from the last tap of a row to the first of the next row, and from the last row of a plane to the next plane.
  int kw, kh, over_width, over_height;
  int dw = 0, dh = 0, taps, tap = 0;
  u32 patch_address, half;

  DEVICE Reader(const Shared<N>& shared) : shared(shared) {}

  /** Waits for the weights of the next tap and for its patch, and loads its cells to registers. */
  DEVICE void load_cells(u32 (*left)[SLAB / 16][4]) {
    Barriers* barriers = shared.barriers();
    wait(&barriers->weights_full[stages % STAGES], stages / STAGES % 2);
    // Fence here, while wgmma is running, and not before the next one.
    fence_async_proxy();
    stages++;
    u32 patch = patch_address + patches % PATCHES * (PATCH_ROWS * 128);
#pragma unroll
    for (int m = 0; m < 2; m++) {
      u32 line = first[m] + shift;
      u32 unit = patch + line * 128 + (half ^ line % 8) * 16;
#pragma unroll
      for (int k = 0; k < SLAB / 16; k++) {
        load_matrices_at(left[m][k], unit ^ k * 32);
      }
    }
    shift++;
    if (++dw == kw) {
      dw = 0;
      shift += over_width;
      if (++dh == kh) {
        dh = 0;
        shift += over_height;
      }
    }
    if (++tap == taps) {
      tap = 0;
      shift = 0;
      arrive(&barriers->patch_empty[patches % PATCHES]);
      patches++;
    }
  }
};

/** Starts the products of 128 cells with the weights of a tap. */
template <int N>
DEVICE void multiply(float (*sums)[N / 2], u32 (*left)[SLAB / 16][4], u32 address) {
  fence_operands<N / 2>(sums[0]);
  fence_operands<N / 2>(sums[1]);
  fence_operands<SLAB / 4 * 2>(left[0][0]);
  wgmma_fence();
  u64 weights = descriptor(address, 16, 1024);
#pragma unroll
  for (int k = 0; k < SLAB / 16; k++) {
    wgmma<N, false>(sums[0], left[0][k], weights + k * 2, 1);
    wgmma<N, false>(sums[1], left[1][k], weights + k * 2, 1);
  }
  wgmma_commit();
}

/** Runs one of the two computing warpgroups, 0 or 1, with twice 64 cells. */
template <int N>
DEVICE void compute(const Convolution& p, const Geometry& all, const Shared<N>& shared, int group) {
  Barriers* barriers = shared.barriers();
  int lane = threadIdx.x % WARP, warp = threadIdx.x % GROUP / WARP;
  float sums[2][N / 2];
  u32 even[2][SLAB / 16][4], odd[2][SLAB / 16][4];
  Reader<N> reader(shared);
  reader.kw = p.kw;
  reader.kh = p.kh;
  reader.taps = all.taps;
  reader.over_width = all.width - p.kw;
  reader.over_height = all.width * (all.height - p.kh);
  reader.patch_address = shared_address(shared.memory);
  reader.half = lane / 16;
  // The positions of the lane's cells in a box.
  int t[2], h[2], w[2];
#pragma unroll
  for (int m = 0; m < 2; m++) {
    int cell = group * 128 + m * 64 + warp * 16 + lane % 16;
    w[m] = cell & (1 << p.box_w) - 1;
    h[m] = cell >> p.box_w & (1 << p.box_h) - 1;
    t[m] = cell >> p.box_w + p.box_h;
    reader.first[m] = (t[m] * all.height + h[m]) * all.width + w[m];
  }
  int steps = (p.c + SLAB - 1) / SLAB * all.taps;
  u32 boxes = 0, stages = 0;
  auto finish = [&] {
    wgmma_wait<0>();
    fence_operands<N / 2>(sums[0]);
    fence_operands<N / 2>(sums[1]);
    if (lane == 0) {
      arrive(&barriers->weights_empty[stages % STAGES]);
    }
    stages++;
  };
#pragma unroll 1
  for (int index = blockIdx.x; index < all.count(); index += gridDim.x, boxes++) {
    Box box;
    box.locate(p, all, index, N);
    reader.load_cells(even);
    // Initialize the sums with the bias.
    const float* bias = shared.bias(boxes) + lane % 4 * 2;
#pragma unroll
    for (int i = 0; i < N / 8; i++) {
      float2 two = *(const float2*)(bias + i * 8);
#pragma unroll
      for (int k = 0; k < 4; k++) {
        sums[0][i * 4 + k] = sums[1][i * 4 + k] = k % 2 == 0 ? two.x : two.y;
      }
    }
#pragma unroll 1
    for (int step = 0; step < steps; step += 2) {
      multiply<N>(sums, even, shared.weights(stages));
      if (step + 1 < steps) {
        reader.load_cells(odd);
      }
      finish();
      if (step + 1 == steps) {
        break;
      }
      multiply<N>(sums, odd, shared.weights(stages));
      if (step + 2 < steps) {
        reader.load_cells(even);
      }
      finish();
    }
#pragma unroll
    for (int m = 0; m < 2; m++) {
      int tt = box.t + t[m], hh = box.h + h[m], ww = box.w + w[m];
      int cell = tt < p.ot && hh < p.oh && ww < p.ow ? (tt * p.oh + hh) * p.ow + ww : -1;
      write_out<N>(p, box.column, cell, sums[m], shared.out() + (group * 4 + warp) * 16 * N);
    }
  }
}

template <int N>
DEVICE void convolve(const Convolution& p) {
  DYNAMIC_SHARED_TILES(memory);
  Shared<N> shared = {memory};
  Barriers* barriers = shared.barriers();
  if (threadIdx.x == 0) {
    // All loading threads arrive at full barriers, all computing threads at the empty barriers of patches, and one thread per warp
    // at the empty barriers of weights.
    for (int i = 0; i < PATCHES; i++) {
      init_barrier(&barriers->patch_empty[i], CONSUMERS * GROUP);
    }
    for (int i = 0; i < STAGES; i++) {
      init_barrier(&barriers->weights_full[i], GROUP);
      init_barrier(&barriers->weights_empty[i], CONSUMERS * 4);
    }
  }
  __syncthreads();
  Geometry all;
  all.locate(p, N);
  // Each warpgroup starts with 168 registers per thread, 504 for the three. Loading needs fewer than computing.
  if (threadIdx.x < GROUP) {
    release_registers<56>();
    load<N>(p, all, shared);
  } else {
    acquire_registers<224>();
    compute<N>(p, all, shared, threadIdx.x / GROUP - 1);
  }
}

// Names end in the number of output channels of a block.
KERNEL_RESIDENT(384, 1, convolution_sm90_64, Convolution) { convolve<64>(p); }
KERNEL_RESIDENT(384, 1, convolution_sm90_128, Convolution) { convolve<128>(p); }
