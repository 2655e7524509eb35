// Forward and backward pass of softmax attention with heads 32 wide and few keys, for training on a CPU with AVX-512. Values are
// float32 or bfloat16, everything between float32. The scores of a few queries at a time stay in the first level cache; the backward
// pass computes them again.

#include <algorithm>
#include <cmath>

#include "vectors_cpu.h"

namespace {

constexpr int WIDTH = 32;
constexpr int QUERIES = 4;

}  // namespace

// Steps are those of batch, head and row, in elements. A key that `keep` (batch x keys bytes, or null) has zero for is left out.
extern "C" struct Attention {
    int64_t batch, heads, queries, keys, is_bf16;
    float scale;
    const void *q, *k, *v;
    int64_t q_step[3], k_step[3], v_step[3], y_step[3];
    const uint8_t* keep;
    void* y;
    const void* grad_y;
    void *grad_q, *grad_k, *grad_v;
};

namespace {

template <class E>
class Pass {
    const Attention& c;
    const int keys, padded;
    // Keys and values with the keys side by side, and one below the other; rows of keys that are not there are zero.
    Buffer k_across, v_across, k_down, v_down, grad_k, grad_v, bias;
    Buffer rows, grads, p, ds, grad_rows;

    static const E* at(const void* base, const int64_t* step, int64_t b, int64_t h) {
        return static_cast<const E*>(base) + b * step[0] + h * step[1];
    }
    static E* at(void* base, const int64_t* step, int64_t b, int64_t h) { return static_cast<E*>(base) + b * step[0] + h * step[1]; }

    static void widen(const E* from, int64_t step, int count, float* to) {
        for (int r = 0; r < count; r++)
            for (int i = 0; i < WIDTH; i += 16) store(to + r * WIDTH + i, load(from + r * step + i));
    }

    void transpose(const float* down, float* across) const {
        for (int r = 0; r < keys; r++)
            for (int i = 0; i < WIDTH; i++) across[i * padded + r] = down[r * WIDTH + i];
    }

    // to[i][j] = row_i . column_j
    void products(const float* row, const float* across, float* to) const {
        for (int j = 0; j < padded; j += 16) {
            V s[QUERIES] = {set(0), set(0), set(0), set(0)};
            for (int i = 0; i < WIDTH; i++) {
                V column = load(across + i * padded + j);
                for (int n = 0; n < QUERIES; n++) s[n] = fma(set(row[n * WIDTH + i]), column, s[n]);
            }
            for (int n = 0; n < QUERIES; n++) store(to + n * padded + j, s[n]);
        }
    }

    // out_i = sum over j of factor[i][j] row_j
    void combine(const float* factor, const float* down, float* out) const {
        V s[QUERIES][2];
        for (int n = 0; n < QUERIES; n++) s[n][0] = s[n][1] = set(0);
        for (int j = 0; j < keys; j++) {
            V low = load(down + j * WIDTH), high = load(down + j * WIDTH + 16);
            for (int n = 0; n < QUERIES; n++) {
                V f = set(factor[n * padded + j]);
                s[n][0] = fma(f, low, s[n][0]);
                s[n][1] = fma(f, high, s[n][1]);
            }
        }
        for (int n = 0; n < QUERIES; n++) {
            store(out + n * WIDTH, s[n][0]);
            store(out + n * WIDTH + 16, s[n][1]);
        }
    }

    // sum_j += sum over i of factor[i][j] row_i
    void spread(const float* factor, const float* row, float* sum) const {
        V r[QUERIES][2];
        for (int n = 0; n < QUERIES; n++) r[n][0] = load(row + n * WIDTH), r[n][1] = load(row + n * WIDTH + 16);
        for (int j = 0; j < keys; j++) {
            V low = load(sum + j * WIDTH), high = load(sum + j * WIDTH + 16);
            for (int n = 0; n < QUERIES; n++) {
                V f = set(factor[n * padded + j]);
                low = fma(f, r[n][0], low);
                high = fma(f, r[n][1], high);
            }
            store(sum + j * WIDTH, low);
            store(sum + j * WIDTH + 16, high);
        }
    }

    // The shares of the keys, of queries that lie in `rows` scaled.
    void softmax() {
        products(rows, k_across, p);
        for (int n = 0; n < QUERIES; n++) {
            float* row = p + n * padded;
            V most = set(-INFINITY), sum = set(0);
            for (int j = 0; j < padded; j += 16) {
                V s = add(load(row + j), load(bias + j));
                most = _mm512_max_ps(most, s);
                store(row + j, s);
            }
            most = set(_mm512_reduce_max_ps(most));
            for (int j = 0; j < padded; j += 16) {
                V e = exponential(sub(load(row + j), most));
                sum = add(sum, e);
                store(row + j, e);
            }
            V factor = set(1 / _mm512_reduce_add_ps(sum));
            for (int j = 0; j < padded; j += 16) store(row + j, mul(load(row + j), factor));
        }
    }

    void load_head(int64_t b, int64_t h) {
        widen(at(c.k, c.k_step, b, h), c.k_step[2], keys, k_down);
        widen(at(c.v, c.v_step, b, h), c.v_step[2], keys, v_down);
        transpose(k_down, k_across);
        for (int j = 0; j < padded; j++) bias[j] = j < keys && (!c.keep || c.keep[b * keys + j]) ? 0 : -1e30f;
    }

    int load_queries(const E* q, int64_t first) {
        int count = std::min<int64_t>(QUERIES, c.queries - first);
        widen(q + first * c.q_step[2], c.q_step[2], count, rows);
        for (int i = 0; i < count * WIDTH; i += 16) store(rows + i, mul(load(rows + i), set(c.scale)));
        for (int i = count * WIDTH; i < QUERIES * WIDTH; i += 16) store(rows + i, set(0));
        return count;
    }

    static void narrow(const float* from, int count, float factor, E* to, int64_t step) {
        for (int r = 0; r < count; r++)
            for (int i = 0; i < WIDTH; i += 16) store(to + r * step + i, mul(load(from + r * WIDTH + i), set(factor)));
    }

public:
    explicit Pass(const Attention& call)
        : c(call), keys(call.keys), padded((call.keys + 15) / 16 * 16), k_across(padded * WIDTH), v_across(padded * WIDTH),
          k_down(padded * WIDTH), v_down(padded * WIDTH), grad_k(padded * WIDTH), grad_v(padded * WIDTH), bias(padded),
          rows(QUERIES * WIDTH), grads(QUERIES * WIDTH), p(QUERIES * padded), ds(QUERIES * padded), grad_rows(QUERIES * WIDTH) {}

    void forward() {
        for (int64_t b = 0; b < c.batch; b++)
            for (int64_t h = 0; h < c.heads; h++) {
                load_head(b, h);
                const E* q = at(c.q, c.q_step, b, h);
                E* y = at(c.y, c.y_step, b, h);
                for (int64_t first = 0; first < c.queries; first += QUERIES) {
                    int count = load_queries(q, first);
                    softmax();
                    combine(p, v_down, grad_rows);
                    narrow(grad_rows, count, 1, y + first * c.y_step[2], c.y_step[2]);
                }
            }
    }

    // Gradients lie as y does, with as many rows as their operand.
    void backward() {
        const int64_t key_step[3] = {c.keys * c.y_step[2], c.y_step[1], c.y_step[2]};
        for (int64_t b = 0; b < c.batch; b++)
            for (int64_t h = 0; h < c.heads; h++) {
                load_head(b, h);
                transpose(v_down, v_across);
                std::memset(grad_k, 0, padded * WIDTH * 4);
                std::memset(grad_v, 0, padded * WIDTH * 4);
                const E *q = at(c.q, c.q_step, b, h), *grad_y = at(c.grad_y, c.y_step, b, h);
                E* grad_q = at(c.grad_q, c.y_step, b, h);
                for (int64_t first = 0; first < c.queries; first += QUERIES) {
                    int count = load_queries(q, first);
                    softmax();
                    std::memset(grads, 0, QUERIES * WIDTH * 4);
                    widen(grad_y + first * c.y_step[2], c.y_step[2], count, grads);
                    products(grads, v_across, ds);
                    for (int n = 0; n < QUERIES; n++) {
                        float *shares = p + n * padded, *slopes = ds + n * padded;
                        V dot = set(0);
                        for (int j = 0; j < padded; j += 16) dot = fma(load(shares + j), load(slopes + j), dot);
                        V mean = set(_mm512_reduce_add_ps(dot));
                        for (int j = 0; j < padded; j += 16)
                            store(slopes + j, mul(load(shares + j), sub(load(slopes + j), mean)));
                    }
                    combine(ds, k_down, grad_rows);
                    narrow(grad_rows, count, c.scale, grad_q + first * c.y_step[2], c.y_step[2]);
                    spread(ds, rows, grad_k);
                    spread(p, grads, grad_v);
                }
                narrow(grad_k, keys, 1, at(c.grad_k, key_step, b, h), key_step[2]);
                narrow(grad_v, keys, 1, at(c.grad_v, key_step, b, h), key_step[2]);
            }
    }
};

}  // namespace

extern "C" void attention_forward(const Attention* c) {
    c->is_bf16 ? Pass<bf16>(*c).forward() : Pass<float>(*c).forward();
}

extern "C" void attention_backward(const Attention* c) {
    c->is_bf16 ? Pass<bf16>(*c).backward() : Pass<float>(*c).backward();
}
