// Vectors of sixteen floats, loaded from and stored to float32 or bfloat16, and the functions that the layers need of them.

#pragma once

#include <immintrin.h>

#include <cstdint>
#include <cstring>
#include <new>

namespace {

using V = __m512;
using bf16 = uint16_t;

inline V load(const float* p) { return _mm512_loadu_ps(p); }

inline V load(const bf16* p) {
    __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
    return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}

inline V load(const float* p, __mmask16 m) { return _mm512_maskz_loadu_ps(m, p); }

inline V load(const bf16* p, __mmask16 m) {
    __m512i wide = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(m, p));
    return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}

inline __m256i rounded(V x) {
    __m512i bits = _mm512_castps_si512(x);
    __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    __m512i sum = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
    __mmask16 nan = _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q);
    sum = _mm512_mask_mov_epi32(sum, nan, _mm512_set1_epi32(0x7fc00000));
    return _mm512_cvtepi32_epi16(_mm512_srli_epi32(sum, 16));
}

inline void store(float* p, V x) { _mm512_storeu_ps(p, x); }
inline void store(bf16* p, V x) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), rounded(x)); }
inline void store(float* p, V x, __mmask16 m) { _mm512_mask_storeu_ps(p, m, x); }
inline void store(bf16* p, V x, __mmask16 m) { _mm256_mask_storeu_epi16(p, m, rounded(x)); }

inline V set(float x) { return _mm512_set1_ps(x); }
inline V fma(V a, V b, V c) { return _mm512_fmadd_ps(a, b, c); }
inline V add(V a, V b) { return _mm512_add_ps(a, b); }
inline V sub(V a, V b) { return _mm512_sub_ps(a, b); }
inline V mul(V a, V b) { return _mm512_mul_ps(a, b); }

inline V exponential(V x) {
    x = _mm512_min_ps(set(88), _mm512_max_ps(set(-104), x));
    V n = _mm512_roundscale_ps(mul(x, set(1.44269504f)), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    V r = _mm512_fnmadd_ps(n, set(0.693359375f), x);
    r = _mm512_fnmadd_ps(n, set(-2.12194440e-4f), r);
    V p = fma(r, set(1 / 720.f), set(1 / 120.f));
    p = fma(p, r, set(1 / 24.f));
    p = fma(p, r, set(1 / 6.f));
    p = fma(p, r, set(0.5f));
    p = fma(p, r, set(1));
    p = fma(p, r, set(1));
    return _mm512_scalef_ps(p, n);
}

inline V reciprocal(V x) {
    V r = _mm512_rcp14_ps(x);
    return mul(r, _mm512_fnmadd_ps(x, r, set(2)));
}

inline V sigmoid(V x) { return reciprocal(add(set(1), exponential(_mm512_min_ps(set(80), sub(set(0), x))))); }

// log(1 + e^x) = max(x, 0) + 2 artanh(e / (2 + e)) with e = e^-|x|: exact to the last bits for small results, too.
inline V softplus(V x) {
    V e = exponential(sub(set(0), _mm512_abs_ps(x)));
    V z = _mm512_div_ps(e, add(set(2), e));
    V q = mul(z, z);
    V p = fma(q, set(1 / 15.f), set(1 / 13.f));
    p = fma(p, q, set(1 / 11.f));
    p = fma(p, q, set(1 / 9.f));
    p = fma(p, q, set(1 / 7.f));
    p = fma(p, q, set(1 / 5.f));
    p = fma(p, q, set(1 / 3.f));
    p = fma(p, q, set(1));
    return fma(add(z, z), p, _mm512_max_ps(set(0), x));
}

// Decayed states and gradients run into denormals, which some CPUs compute very slowly.
class FlushDenormals {
    unsigned saved = _mm_getcsr();

public:
    FlushDenormals() { _mm_setcsr(saved | 0x8040); }
    ~FlushDenormals() { _mm_setcsr(saved); }
};

class Buffer {
    float* data;

public:
    explicit Buffer(size_t count) : data(static_cast<float*>(::operator new(count * 4, std::align_val_t(64)))) {
        std::memset(data, 0, count * 4);
    }
    Buffer(const Buffer&) = delete;
    ~Buffer() { ::operator delete(data, std::align_val_t(64)); }
    operator float*() { return data; }
};

}  // namespace
