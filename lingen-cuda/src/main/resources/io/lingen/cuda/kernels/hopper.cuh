// Instructions of compute capability 9.0, for sources compiled for sm_90a: asynchronous matrix products of a warpgroup (wgmma; four
// warps, 128 threads), barriers in shared memory (mbarrier), and the reallocation of registers among warpgroups (setmaxnreg).
#pragma once
#include "device.cuh"

typedef unsigned long long u64;

#define GROUP 128

/**
 * Returns the descriptor of a wgmma operand in shared memory, in the layout with 128-byte swizzle: rows of 128 bytes in atoms of
 * eight rows at multiples of 1024 bytes. Unit u of 16 bytes is at unit u ^ row % 8. The descriptor of an operand n bytes further on
 * is greater by n / 16.
 *
 * @param leading the distance in bytes from 64 columns to the next 64, if columns are not the summed dimension
 * @param stride the distance in bytes from eight rows to the next eight
 */
DEVICE u64 descriptor(u32 address, u32 leading, u32 stride) {
  return (address & 0x3ffff) >> 4 | (u64)(leading >> 4) << 16 | (u64)(stride >> 4) << 32 | (u64)1 << 62;
}

#ifndef LINGEN_EMULATED

/** Dynamic shared memory, aligned to 1024 bytes. */
#define DYNAMIC_SHARED_TILES(name) extern __shared__ __align__(1024) unsigned char name[]

DEVICE u32 shared_address(const void* shared) { return (u32)__cvta_generic_to_shared(shared); }

/** Initializes a barrier whose phases end with `count` arrivals. Other threads may use it after __syncthreads. */
DEVICE void init_barrier(u64* barrier, u32 count) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(shared_address(barrier)), "r"(count) : "memory");
}

DEVICE void arrive(u64* barrier) {
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(shared_address(barrier)) : "memory");
}

/** Arrives when all copies that this thread has started are complete. */
DEVICE void arrive_when_copied(u64* barrier) {
  asm volatile("cp.async.mbarrier.arrive.noinc.shared::cta.b64 [%0];" ::"r"(shared_address(barrier)) : "memory");
}

/**
 * Waits for the end of the phase with this parity, which is 0 for the first phase. The phase before the first counts as ended.
 * After some seconds, the kernel fails with an error instead of hanging.
 */
DEVICE void wait(u64* barrier, u32 parity) {
  u32 ended = 0;
#pragma unroll 1
  for (u32 tries = 0; !ended; tries++) {
    asm volatile(
        "{\n.reg .pred ended;\n"
        "mbarrier.try_wait.parity.shared::cta.b64 ended, [%1], %2;\n"
        "selp.u32 %0, 1, 0, ended;\n}"
        : "=r"(ended)
        : "r"(shared_address(barrier)), "r"(parity)
        : "memory");
    if (tries >> 24) {
      // Fail with an illegal address. With a trap instruction, ptxas would serialize all wgmma instructions.
      asm volatile("st.global.u32 [%0], %1;" ::"l"(0ull), "r"(tries) : "memory");
    }
  }
}

/** Starts a copy of `bytes` to 16 bytes of shared memory. The remaining bytes become 0. */
DEVICE void copy_async_or_zero(u32 shared, const void* global, u32 bytes) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared), "l"(global), "r"(bytes) : "memory");
}

/** Makes the shared memory that this thread has written or observed visible to wgmma, which reads it through the async proxy. */
DEVICE void fence_async_proxy() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }

/** Named barrier of `count` threads. sync_threads arrives and waits; arrive_threads only arrives. */
DEVICE void sync_threads(int barrier, int count) {
  asm volatile("bar.sync %0, %1;" ::"r"(barrier), "r"(count) : "memory");
}
DEVICE void arrive_threads(int barrier, int count) {
  asm volatile("bar.arrive %0, %1;" ::"r"(barrier), "r"(count) : "memory");
}

/** Reduces or increases the registers of the warpgroup to `count` per thread. An increase waits for registers that others release. */
template <int count>
DEVICE void release_registers() {
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(count));
}
template <int count>
DEVICE void acquire_registers() {
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(count));
}

/** Required before a wgmma that uses registers that this thread has accessed. */
DEVICE void wgmma_fence() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }

DEVICE void wgmma_commit() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }

/** Waits until at most `pending` groups of wgmma are incomplete. */
template <int pending>
DEVICE void wgmma_wait() {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(pending) : "memory");
}

/** Prevents the compiler from moving accesses of these registers across wgmma instructions. */
template <int COUNT>
DEVICE void fence_operands(float* c) {
#pragma unroll
  for (int i = 0; i < COUNT; i++) {
    asm volatile("" : "+f"(c[i])::"memory");
  }
}
template <int COUNT>
DEVICE void fence_operands(u32* a) {
#pragma unroll
  for (int i = 0; i < COUNT; i++) {
    asm volatile("" : "+r"(a[i])::"memory");
  }
}

#define SUMS_8(c, i) \
  "+f"(c[i]), "+f"(c[i + 1]), "+f"(c[i + 2]), "+f"(c[i + 3]), "+f"(c[i + 4]), "+f"(c[i + 5]), "+f"(c[i + 6]), "+f"(c[i + 7])
#define SUMS_32(c, i) SUMS_8(c, i), SUMS_8(c, i + 8), SUMS_8(c, i + 16), SUMS_8(c, i + 24)

/**
 * Starts c[64 x N] = a[64 x 16] b[16 x N] or c += a b with a warpgroup, from BF16 operands to F32 sums. A warp has 16 rows, with
 * the layout of mma_bf16 in a and c. b is in shared memory, as N rows of 16, or with COLUMNS as 16 rows of N.
 *
 * @param add whether the product is added to c (1) or overwrites it (0)
 */
template <int N, bool COLUMNS>
DEVICE void wgmma(float* c, const u32* a, u64 b, int add) {
  static_assert(N == 64 || N == 128, "");
  if constexpr (N == 64) {
    asm volatile(
        "{\n.reg .pred add;\nsetp.ne.b32 add, %37, 0;\n"
        "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 "
        "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,"
        "%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31}, "
        "{%32,%33,%34,%35}, %36, add, 1, 1, %38;\n}"
        : SUMS_32(c, 0)
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(add), "n"(COLUMNS ? 1 : 0));
  } else {
    asm volatile(
        "{\n.reg .pred add;\nsetp.ne.b32 add, %69, 0;\n"
        "wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 "
        "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,"
        "%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31,"
        "%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43,%44,%45,%46,%47,"
        "%48,%49,%50,%51,%52,%53,%54,%55,%56,%57,%58,%59,%60,%61,%62,%63}, "
        "{%64,%65,%66,%67}, %68, add, 1, 1, %70;\n}"
        : SUMS_32(c, 0), SUMS_32(c, 32)
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(add), "n"(COLUMNS ? 1 : 0));
  }
}

#endif
