// Forward and backward passes of the layers between a denoiser's matrix products, each in one pass over memory, for training on a
// CPU with AVX-512: GELU, the gated RMS norm, the modulated layer norm and the gated sum. Values are float32 or bfloat16, statistics
// and sums float32. Rows are contiguous and a multiple of sixteen wide.

#include <cmath>

#include "vectors_cpu.h"

namespace {

inline float total(V x) { return _mm512_reduce_add_ps(x); }
inline void accumulate(float* p, V x) { store(p, add(load(p), x)); }

// x sigmoid(2 u) with u = c (x + k x^3) is GELU's tanh form.
constexpr float C2 = 2 * 0.7978845608f, K = 0.044715f;

template <class E>
void gelu_forward(int64_t count, const E* x, E* y) {
    for (int64_t i = 0; i < count; i += 16) {
        V v = load(x + i);
        V u = mul(mul(v, set(C2)), fma(mul(v, v), set(K), set(1)));
        store(y + i, mul(v, sigmoid(u)));
    }
}

template <class E>
void gelu_backward(int64_t count, const E* x, const E* grad, E* grad_x) {
    for (int64_t i = 0; i < count; i += 16) {
        V v = load(x + i), square = mul(v, v);
        V s = sigmoid(mul(mul(v, set(C2)), fma(square, set(K), set(1))));
        V slope = mul(set(C2), fma(square, set(3 * K), set(1)));
        V rise = mul(mul(v, slope), mul(s, sub(set(1), s)));
        store(grad_x + i, mul(load(grad + i), add(s, rise)));
    }
}

template <class E>
void gated_norm_forward(int64_t rows, int64_t width, const E* y, const E* z, int64_t z_step, const float* weight, float eps, E* out) {
    Buffer gated(width);
    for (int64_t r = 0; r < rows; r++, y += width, z += z_step, out += width) {
        V squares = set(0);
        for (int i = 0; i < width; i += 16) {
            V gate = load(z + i), g = mul(load(y + i), mul(gate, sigmoid(gate)));
            squares = fma(g, g, squares);
            store(gated + i, g);
        }
        V scale = set(1 / std::sqrt(total(squares) / width + eps));
        for (int i = 0; i < width; i += 16) store(out + i, mul(mul(load(gated + i), scale), load(weight + i)));
    }
}

template <class E>
void gated_norm_backward(int64_t rows, int64_t width, const E* y, const E* z, int64_t z_step, const float* weight, float eps, const E* grad,
                         E* grad_y, E* grad_z, float* grad_weight) {
    Buffer gated(width), gates(width), slopes(width);
    for (int64_t r = 0; r < rows; r++, y += width, z += z_step, grad += width, grad_y += width, grad_z += width) {
        V squares = set(0), dots = set(0);
        for (int i = 0; i < width; i += 16) {
            V gate = load(z + i), s = sigmoid(gate), g = mul(load(y + i), mul(gate, s)), d = mul(load(grad + i), load(weight + i));
            squares = fma(g, g, squares);
            dots = fma(d, g, dots);
            store(gated + i, g);
            store(gates + i, s);
            store(slopes + i, d);
        }
        float scale = 1 / std::sqrt(total(squares) / width + eps);
        V factor = set(scale), back = set(-total(dots) / width * scale * scale * scale);
        for (int i = 0; i < width; i += 16) {
            V g = load(gated + i), gate = load(z + i), s = load(gates + i);
            accumulate(grad_weight + i, mul(load(grad + i), mul(g, factor)));
            V d = fma(g, back, mul(load(slopes + i), factor));
            store(grad_y + i, mul(d, mul(gate, s)));
            store(grad_z + i, mul(mul(d, load(y + i)), mul(s, fma(gate, sub(set(1), s), set(1)))));
        }
    }
}

struct Statistics {
    V mean, scale;

    template <class X>
    Statistics(const X* x, int64_t width, float eps) {
        V sum = set(0), squares = set(0);
        for (int i = 0; i < width; i += 16) sum = add(sum, load(x + i));
        mean = set(total(sum) / width);
        for (int i = 0; i < width; i += 16) {
            V away = sub(load(x + i), mean);
            squares = fma(away, away, squares);
        }
        scale = set(1 / std::sqrt(total(squares) / width + eps));
    }
};

template <class X, class E>
void modulated_norm_forward(int64_t batch, int64_t tokens, int64_t width, const X* x, const float* shift, const float* scale, float eps, E* out) {
    for (int64_t b = 0; b < batch; b++, shift += width, scale += width)
        for (int64_t t = 0; t < tokens; t++, x += width, out += width) {
            Statistics s(x, width, eps);
            for (int i = 0; i < width; i += 16)
                store(out + i, fma(mul(sub(load(x + i), s.mean), s.scale), add(set(1), load(scale + i)), load(shift + i)));
        }
}

template <class X, class E>
void modulated_norm_backward(int64_t batch, int64_t tokens, int64_t width, const X* x, const float* scale, float eps, const E* grad, X* grad_x,
                             float* grad_shift, float* grad_scale) {
    for (int64_t b = 0; b < batch; b++, scale += width, grad_shift += width, grad_scale += width)
        for (int64_t t = 0; t < tokens; t++, x += width, grad += width, grad_x += width) {
            Statistics s(x, width, eps);
            V sums = set(0), dots = set(0);
            for (int i = 0; i < width; i += 16) {
                V g = load(grad + i), normed = mul(sub(load(x + i), s.mean), s.scale), d = mul(g, add(set(1), load(scale + i)));
                accumulate(grad_shift + i, g);
                accumulate(grad_scale + i, mul(g, normed));
                sums = add(sums, d);
                dots = fma(d, normed, dots);
            }
            V mean = set(total(sums) / width), dot = set(total(dots) / width);
            for (int i = 0; i < width; i += 16) {
                V normed = mul(sub(load(x + i), s.mean), s.scale), d = mul(load(grad + i), add(set(1), load(scale + i)));
                store(grad_x + i, mul(sub(sub(d, mean), mul(normed, dot)), s.scale));
            }
        }
}

template <class X, class E>
void gated_sum_forward(int64_t batch, int64_t tokens, int64_t width, const X* x, const float* gate, const E* branch, X* out) {
    for (int64_t b = 0; b < batch; b++, gate += width)
        for (int64_t t = 0; t < tokens; t++, x += width, branch += width, out += width)
            for (int i = 0; i < width; i += 16) store(out + i, fma(load(gate + i), load(branch + i), load(x + i)));
}

template <class X, class E>
void gated_sum_backward(int64_t batch, int64_t tokens, int64_t width, const float* gate, const E* branch, const X* grad, E* grad_branch,
                        float* grad_gate) {
    for (int64_t b = 0; b < batch; b++, gate += width, grad_gate += width)
        for (int64_t t = 0; t < tokens; t++, branch += width, grad += width, grad_branch += width)
            for (int i = 0; i < width; i += 16) {
                V g = load(grad + i);
                store(grad_branch + i, mul(g, load(gate + i)));
                accumulate(grad_gate + i, mul(g, load(branch + i)));
            }
}

}  // namespace

#define GATES(E, name)                                                                                              \
    extern "C" void gelu_forward_##name(int64_t count, const E* x, E* y) { gelu_forward(count, x, y); }             \
    extern "C" void gelu_backward_##name(int64_t count, const E* x, const E* grad, E* grad_x) {                     \
        gelu_backward(count, x, grad, grad_x);                                                                     \
    }                                                                                                              \
    extern "C" void gated_norm_forward_##name(int64_t rows, int64_t width, const E* y, const E* z, int64_t z_step,      \
                                              const float* weight, float eps, E* out) {                            \
        gated_norm_forward(rows, width, y, z, z_step, weight, eps, out);                                           \
    }                                                                                                              \
    extern "C" void gated_norm_backward_##name(int64_t rows, int64_t width, const E* y, const E* z, int64_t z_step,     \
                                               const float* weight, float eps, const E* grad, E* grad_y, E* grad_z, \
                                               float* grad_weight) {                                               \
        gated_norm_backward(rows, width, y, z, z_step, weight, eps, grad, grad_y, grad_z, grad_weight);            \
    }

#define MODULATION(X, E, name)                                                                                     \
    extern "C" void modulated_norm_forward_##name(int64_t batch, int64_t tokens, int64_t width, const X* x,             \
                                                  const float* shift, const float* scale, float eps, E* out) {     \
        modulated_norm_forward(batch, tokens, width, x, shift, scale, eps, out);                                   \
    }                                                                                                              \
    extern "C" void modulated_norm_backward_##name(int64_t batch, int64_t tokens, int64_t width, const X* x,            \
                                                   const float* scale, float eps, const E* grad, X* grad_x,        \
                                                   float* grad_shift, float* grad_scale) {                         \
        modulated_norm_backward(batch, tokens, width, x, scale, eps, grad, grad_x, grad_shift, grad_scale);        \
    }                                                                                                              \
    extern "C" void gated_sum_forward_##name(int64_t batch, int64_t tokens, int64_t width, const X* x,                  \
                                             const float* gate, const E* branch, X* out) {                         \
        gated_sum_forward(batch, tokens, width, x, gate, branch, out);                                             \
    }                                                                                                              \
    extern "C" void gated_sum_backward_##name(int64_t batch, int64_t tokens, int64_t width, const float* gate,          \
                                              const E* branch, const X* grad, E* grad_branch, float* grad_gate) {  \
        gated_sum_backward(batch, tokens, width, gate, branch, grad, grad_branch, grad_gate);                      \
    }

GATES(float, f)
GATES(bf16, h)
MODULATION(float, float, ff)
MODULATION(float, bf16, fh)
MODULATION(bf16, float, hf)
MODULATION(bf16, bf16, hh)
