// Common code of all kernels: element types, 16-byte accesses, reductions, and the matrix instructions of compute capability 8.0.
// It includes no header, so NVRTC needs none. With LINGEN_EMULATED, emulation.h replaces the instructions of the device.
//
// Conventions: each kernel takes one struct by value. An array of F32 or BF16 is a pointer with a flag: 0 = F32, 1 = BF16.
// Offsets into arrays are 64-bit. Counts of tokens and columns are 32-bit.
#pragma once

typedef long long i64;
typedef unsigned int u32;
typedef unsigned short u16;

#define WARP 32
#define ALL_LANES 0xffffffffu
#define INFINITE __int_as_float(0x7f800000)

#ifndef LINGEN_EMULATED

#define KERNEL(threads, name, Parameters) \
  extern "C" __global__ void __launch_bounds__(threads) name(const __grid_constant__ Parameters p)
/** A kernel whose registers are limited so that `blocks` blocks are resident on a multiprocessor. */
#define KERNEL_RESIDENT(threads, blocks, name, Parameters) \
  extern "C" __global__ void __launch_bounds__(threads, blocks) name(const __grid_constant__ Parameters p)
#define DEVICE __device__ __forceinline__
#define DYNAMIC_SHARED(name) extern __shared__ __align__(16) unsigned char name[]

/** Rounds to the nearest BF16, ties to even. */
DEVICE u16 round_bf16(float value) {
  u16 bits;
  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(bits) : "f"(value));
  return bits;
}

/** Rounds to two BF16 in one register, the first in the lower half. */
DEVICE u32 pack_bf16(float low, float high) {
  u32 bits;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(bits) : "f"(high), "f"(low));
  return bits;
}

DEVICE float exp2_fast(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

DEVICE float reciprocal_fast(float x) {
  float y;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

/** Returns x, opaque to the compiler: forces it to recompute values derived from x instead of keeping them in registers. */
DEVICE u32 opaque(u32 x) {
  asm volatile("" : "+r"(x));
  return x;
}

/** Returns the offset of a row of `pitch` bytes, with one instruction. */
DEVICE i64 row_offset(u32 row, u32 pitch) {
  i64 offset;
  asm("mul.wide.u32 %0, %1, %2;" : "=l"(offset) : "r"(row), "r"(pitch));
  return offset;
}

/** Computes c[16x8] += a[16x16] b[16x8] with one warp, from BF16 operands to F32 sums. */
DEVICE void mma_bf16(float* c, const u32* a, const u32* b) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

/** Loads four 8x8 matrices of BF16 from shared memory. Lane i passes the shared address of row i % 8 of matrix i / 8. */
DEVICE void load_matrices_at(u32* r, u32 address) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(address)
               : "memory");
}

/** Loads four 8x8 matrices as load_matrices_at, from a pointer. */
DEVICE void load_matrices(u32* r, const void* row) { load_matrices_at(r, (u32)__cvta_generic_to_shared(row)); }

/** Loads four 8x8 matrices as load_matrices, each transposed. */
DEVICE void load_matrices_transposed(u32* r, const void* row) {
  u32 address = (u32)__cvta_generic_to_shared(row);
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(address)
               : "memory");
}

/** Starts a copy of 16 bytes to shared memory. */
DEVICE void copy_async(void* shared, const void* global) {
  u32 address = (u32)__cvta_generic_to_shared(shared);
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(address), "l"(global) : "memory");
}

DEVICE void commit_copies() { asm volatile("cp.async.commit_group;" ::: "memory"); }

/** Waits until at most `pending` groups of copies of this thread are incomplete. */
template <int pending>
DEVICE void wait_copies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(pending) : "memory");
}

#endif

DEVICE float from_bf16(u16 bits) { return __uint_as_float((u32)bits << 16); }

DEVICE float get(const void* array, int bf16, i64 index) {
  return bf16 ? from_bf16(((const u16*)array)[index]) : ((const float*)array)[index];
}

DEVICE void put(void* array, int bf16, i64 index, float value) {
  if (bf16) {
    ((u16*)array)[index] = round_bf16(value);
  } else {
    ((float*)array)[index] = value;
  }
}

/** Writes one or two neighboring elements, in one access if the address allows it. */
DEVICE void put2(void* array, int bf16, i64 index, int count, float first, float second) {
  if (count >= 2 && index % 2 == 0 && ((unsigned long long)array & 7) == 0) {
    if (bf16) {
      *(u32*)((u16*)array + index) = pack_bf16(first, second);
    } else {
      *(float2*)((float*)array + index) = make_float2(first, second);
    }
    return;
  }
  if (count >= 1) {
    put(array, bf16, index, first);
  }
  if (count >= 2) {
    put(array, bf16, index + 1, second);
  }
}

DEVICE bool is_aligned(const void* address) { return ((unsigned long long)address & 15) == 0; }

/** Converts eight BF16 numbers to F32. */
DEVICE void unpack8(uint4 words, float* v) {
  u32 pairs[4] = {words.x, words.y, words.z, words.w};
#pragma unroll
  for (int i = 0; i < 4; i++) {
    v[2 * i] = __uint_as_float(pairs[i] << 16);
    v[2 * i + 1] = __uint_as_float(pairs[i] & 0xffff0000u);
  }
}

/** Reads `count` elements from `index` on, at most 8. The remaining ones are 0. */
DEVICE void get8(const void* array, int bf16, i64 index, int count, float* v) {
  if (bf16) {
    const u16* from = (const u16*)array + index;
    if (count >= 8 && is_aligned(from)) {
      unpack8(*(const uint4*)from, v);
      return;
    }
#pragma unroll
    for (int i = 0; i < 8; i++) {
      v[i] = i < count ? from_bf16(from[i]) : 0;
    }
  } else {
    const float* from = (const float*)array + index;
    if (count >= 8 && is_aligned(from)) {
      float4 low = *(const float4*)from;
      float4 high = *(const float4*)(from + 4);
      v[0] = low.x;
      v[1] = low.y;
      v[2] = low.z;
      v[3] = low.w;
      v[4] = high.x;
      v[5] = high.y;
      v[6] = high.z;
      v[7] = high.w;
      return;
    }
#pragma unroll
    for (int i = 0; i < 8; i++) {
      v[i] = i < count ? from[i] : 0;
    }
  }
}

DEVICE uint4 pack8(const float* v) {
  uint4 words;
  words.x = pack_bf16(v[0], v[1]);
  words.y = pack_bf16(v[2], v[3]);
  words.z = pack_bf16(v[4], v[5]);
  words.w = pack_bf16(v[6], v[7]);
  return words;
}

/** Writes the first `count` of 8 values. */
DEVICE void put8(void* array, int bf16, i64 index, int count, const float* v) {
  if (bf16) {
    u16* to = (u16*)array + index;
    if (count >= 8 && is_aligned(to)) {
      *(uint4*)to = pack8(v);
      return;
    }
#pragma unroll
    for (int i = 0; i < 8; i++) {
      if (i < count) {
        to[i] = round_bf16(v[i]);
      }
    }
  } else {
    float* to = (float*)array + index;
    if (count >= 8 && is_aligned(to)) {
      *(float4*)to = make_float4(v[0], v[1], v[2], v[3]);
      *(float4*)(to + 4) = make_float4(v[4], v[5], v[6], v[7]);
      return;
    }
#pragma unroll
    for (int i = 0; i < 8; i++) {
      if (i < count) {
        to[i] = v[i];
      }
    }
  }
}

DEVICE float warp_sum(float v) {
#pragma unroll
  for (int offset = WARP / 2; offset > 0; offset /= 2) {
    v += __shfl_xor_sync(ALL_LANES, v, offset);
  }
  return v;
}

DEVICE float warp_max(float v) {
#pragma unroll
  for (int offset = WARP / 2; offset > 0; offset /= 2) {
    v = fmaxf(v, __shfl_xor_sync(ALL_LANES, v, offset));
  }
  return v;
}

/** Returns the sum over the threads along x. A block wider than a warp has one row. */
DEVICE float row_sum(float v) {
  v = warp_sum(v);
  if (blockDim.x == WARP) {
    return v;
  }
  __shared__ float sums[WARP];
  __syncthreads();
  if (threadIdx.x % WARP == 0) {
    sums[threadIdx.x / WARP] = v;
  }
  __syncthreads();
  return warp_sum(threadIdx.x % WARP < blockDim.x / WARP ? sums[threadIdx.x % WARP] : 0);
}

DEVICE float silu(float x) { return x / (1 + expf(-x)); }

/** SiLU with an error of a few units in the last place of F32, with two special functions and no branch. For BF16 results. */
DEVICE float silu_fast(float x) { return x * reciprocal_fast(1 + exp2_fast(-1.4426950408889634f * x)); }

/** The tanh approximation of GELU, with 0.5 (1 + tanh(u)) = 1 / (1 + exp(-2 u)). */
DEVICE float gelu(float x) {
  float u = 0.7978845608028654f * (x + 0.044715f * x * x * x);
  return x / (1 + expf(-2 * u));
}

/** Computes ln(1 + exp(x)) without overflow. */
DEVICE float softplus(float x) { return fmaxf(x, 0) + log1pf(expf(-fabsf(x))); }

/**
 * Returns the offset of a unit of 8 columns in a tile [rows][D] in shared memory, in elements. Units are permuted within a row, so
 * a matrix load of the same columns of eight rows has no bank conflicts. The offset of unit 2 d + h is the offset of unit h, xor 16
 * d.
 */
template <int D>
DEVICE int place(int row, int unit) {
  return row * D + ((unit ^ (D == 32 ? row / 2 % 4 : row % 8)) * 8);
}
