// Forward and backward pass of one direction of a Mamba2 between its projections, for training on a CPU with AVX-512:
// depthwise convolution and SiLU over [x, B, C], softplus of dt, the selective scan and the D skip.
//
//     h_l = exp(dt_l A) h_{l-1} + dt_l x_l (x) B_l        y_l = C_l h_l + D x_l        per head, h is 32 x 32
//
// Review tokens are the first tokens of one sequence whose outputs nobody asks for: that gives the rest both its
// initial state and the left context of its convolution. A reversed sequence is the same with negative row steps.
//
// All four scans, the forward one and three of the backward pass, are one kernel over different operands:
//
//     S_l = decay_l S_{l-1} + v_l (x) u_l        out_l = w_l S_l        u and out are vectors of lanes, v and w scalars
//
//     y      u = dt x    v = B       w = C       first token to last
//     dC     u = B       v = dt x    w = dy      first token to last
//     dB     u = C       v = dy      w = dt x    last token to first
//     d(dtx) u = dy      v = C       w = B       last token to first
//
// dC and dB have the state transposed, which makes their sums run over rows instead of across lanes. No pass has to
// keep a state per token, because the gradient F_l of the exponent dt_l A follows from F_{l+1} and two dot products:
// <dh_l, h_l> is both F_l + <dh_l, dt_l x_l (x) B_l> and F_{l+1} + <dy_l (x) C_l, h_l>. Rounding errors would add up
// over a long sequence, so F is computed anew from the two states at the end of each chunk.

#include <algorithm>
#include <vector>

#include "vectors_cpu.h"

namespace {

constexpr int WIDTH = 32;   // of a head, of a state row, and of a block of channels
constexpr int CHUNK = 32;   // the operands of one head's scan over a chunk fit the first level cache
constexpr int TAPS = 4;
constexpr int PAST = TAPS - 1;
constexpr int STATE = WIDTH * WIDTH;
constexpr int TILE = CHUNK * WIDTH;
constexpr int PADDED = (CHUNK + PAST) * WIDTH;

// Sixteen lanes by sixteen rows of a state, small enough to stay in registers.
template <bool BACK, bool ADD, bool OUT>
inline void scan_quarter(const float* u, const float* v, const float* w, const float* decay, float* state, float* out,
                         int length) {
    V s[16];
#pragma GCC unroll 16
    for (int k = 0; k < 16; k++) s[k] = load(state + k * WIDTH);
    for (int i = 0; i < length; i++) {
        int t = BACK ? length - 1 - i : i;
        V a = set(decay[t]), lanes = load(u + t * WIDTH);
        V sum[4];
        sum[0] = ADD ? load(out + t * WIDTH) : _mm512_setzero_ps();
        sum[1] = sum[2] = sum[3] = _mm512_setzero_ps();
#pragma GCC unroll 16
        for (int k = 0; k < 16; k++) {
            s[k] = fma(a, s[k], mul(lanes, set(v[t * WIDTH + k])));
            if (OUT) sum[k % 4] = fma(s[k], set(w[t * WIDTH + k]), sum[k % 4]);
        }
        if (OUT) store(out + t * WIDTH, add(add(sum[0], sum[1]), add(sum[2], sum[3])));
    }
#pragma GCC unroll 16
    for (int k = 0; k < 16; k++) store(state + k * WIDTH, s[k]);
}

template <bool BACK, bool OUT = true>
void scan(const float* u, const float* v, const float* w, const float* decay, float* state, float* out, int length) {
    for (int lane = 0; lane < WIDTH; lane += 16) {
        scan_quarter<BACK, false, OUT>(u + lane, v, w, decay, state + lane, out + lane, length);
        scan_quarter<BACK, true, OUT>(u + lane, v + 16, w + 16, decay, state + 16 * WIDTH + lane, out + lane, length);
    }
}

}  // namespace

extern "C" struct Call {
    int64_t batch, length, review, heads, reverse, is_bf16;
    const void *x, *bc, *dt, *review_x, *review_bc, *review_dt;
    // In elements, of x, bc, dt and then the same three of the review tokens.
    int64_t batch_step[6], row_step[6];
    const float *conv_weight, *conv_bias, *dt_bias, *A_log, *D;
    void* y;
    // From here on only for the backward pass; contiguous.
    const void* grad_y;
    void *grad_x, *grad_bc, *grad_dt, *grad_review_x, *grad_review_bc, *grad_review_dt;
    float *grad_conv_weight, *grad_conv_bias, *grad_dt_bias, *grad_A_log, *grad_D;
};

namespace {

// Rows of one sequence in scan order, review tokens first.
template <class E>
struct Rows {
    E *review, *main;
    int64_t count, review_step, main_step;

    E* operator[](int64_t t) const { return t < count ? review + t * review_step : main + (t - count) * main_step; }
};

template <class E>
class Pass {
    const Call& c;
    const int heads, blocks;
    const int64_t inner, total, chunks;
    Buffer weights;           // [blocks][TAPS + 1][WIDTH], the bias last
    Buffer active;            // [blocks][CHUNK][WIDTH], after SiLU
    Buffer slope;             // the derivative of SiLU there
    Buffer dt, dt_slope, decay;   // [heads][CHUNK]
    Buffer dtx, out;          // [CHUNK][WIDTH]
    std::vector<float> A;
    std::vector<E> zeros;
    Rows<const E> x, bc, dts;
    const E* x_rows[CHUNK + PAST];
    const E* bc_rows[CHUNK + PAST];

    template <class T>
    Rows<T> rows(T* main, T* review, int64_t main_step, int64_t review_step) const {
        if (c.reverse) return {review, main + (c.length - 1) * main_step, c.review, review_step, -main_step};
        return {review, main, c.review, review_step, main_step};
    }

    Rows<const E> input(const void* main, const void* review, int which, int64_t b) const {
        return rows(static_cast<const E*>(main) + b * c.batch_step[which],
                    static_cast<const E*>(review) + b * c.batch_step[which + 3], c.row_step[which], c.row_step[which + 3]);
    }

    Rows<E> output(void* main, void* review, int64_t width, int64_t b) const {
        return rows(static_cast<E*>(main) + b * c.length * width, static_cast<E*>(review) + b * c.review * width, width,
                    width);
    }

    float* values(int block) { return active + block * TILE; }

    int chunk_length(int64_t chunk) const { return std::min<int64_t>(CHUNK, total - chunk * CHUNK); }

    const E* const* block_rows(int block, int64_t& offset) const {
        offset = block < heads ? block * WIDTH : (block - heads) * WIDTH;
        return block < heads ? x_rows : bc_rows;
    }

    void start_batch(int64_t b) {
        x = input(c.x, c.review_x, 0, b);
        bc = input(c.bc, c.review_bc, 1, b);
        dts = input(c.dt, c.review_dt, 2, b);
    }

    // SLOPE: for the backward pass' walk from the last chunk to the first.
    template <bool SLOPE>
    void prepare(int64_t start, int length) {
        for (int i = 0; i < length + PAST; i++) {
            int64_t t = start + i - PAST;
            x_rows[i] = t < 0 ? zeros.data() : x[t];
            bc_rows[i] = t < 0 ? zeros.data() : bc[t];
        }
        for (int block = 0; block < blocks; block++) convolve<SLOPE>(block, length);
        for (int first = 0; first < heads; first += 16) {
            int count = std::min(16, heads - first);
            __mmask16 mask = (1u << count) - 1;
            V bias = load(c.dt_bias + first, mask), rate = load(A.data() + first, mask);
            for (int t = 0; t < length; t++) {
                alignas(64) float step[16], factor[16], derivative[16];
                V raw = add(load(dts[start + t] + first, mask), bias);
                V value = softplus(raw);
                store(step, value);
                store(factor, exponential(mul(value, rate)));
                if (SLOPE) store(derivative, sigmoid(raw));
                for (int h = 0; h < count; h++) {
                    dt[(first + h) * CHUNK + t] = step[h];
                    decay[(first + h) * CHUNK + t] = factor[h];
                    if (SLOPE) dt_slope[(first + h) * CHUNK + t] = derivative[h];
                }
            }
        }
    }

    template <bool SLOPE>
    void convolve(int block, int length) {
        int64_t offset;
        const E* const* in = block_rows(block, offset);
        const float* w = weights + block * (TAPS + 1) * WIDTH;
        float *to = values(block), *slopes = slope + block * TILE;
        // A column of wide rows is no pattern that the CPU would prefetch by itself.
        int64_t next_chunk = (block < heads ? x : bc).main_step * (SLOPE ? -CHUNK : CHUNK);
        for (int t = 0; t < length; t++)
            _mm_prefetch(reinterpret_cast<const char*>(in[t + PAST] + offset + next_chunk), _MM_HINT_T1);
        for (int lane = 0; lane < WIDTH; lane += 16) {
            V w0 = load(w + lane), w1 = load(w + WIDTH + lane), w2 = load(w + 2 * WIDTH + lane);
            V w3 = load(w + 3 * WIDTH + lane), bias = load(w + 4 * WIDTH + lane);
            V a = load(in[0] + offset + lane), b = load(in[1] + offset + lane), d = load(in[2] + offset + lane);
            for (int t = 0; t < length; t++) {
                V e = load(in[t + PAST] + offset + lane);
                V z = fma(a, w0, fma(b, w1, fma(d, w2, fma(e, w3, bias))));
                V s = sigmoid(z), value = mul(z, s);
                store(to + t * WIDTH + lane, value);
                if (SLOPE) store(slopes + t * WIDTH + lane, fma(value, sub(set(1), s), s));
                a = b, b = d, d = e;
            }
        }
    }

    void scale_by_dt(int head, int length) {
        const float *from = values(head), *steps = dt + head * CHUNK;
        for (int t = 0; t < length; t++)
            for (int lane = 0; lane < WIDTH; lane += 16)
                store(dtx + t * WIDTH + lane, mul(load(from + t * WIDTH + lane), set(steps[t])));
    }

    // grad [blocks][CHUNK + PAST][WIDTH] of the sums before SiLU, the next chunk's first rows behind this chunk's.
    void convolve_back(int block, int64_t start, int length, const float* grad, float* weight_sums, const Rows<E>& to) {
        int64_t offset;
        const E* const* in = block_rows(block, offset);
        const float *w = weights + block * (TAPS + 1) * WIDTH, *g = grad + block * PADDED;
        float* sums = weight_sums + block * (TAPS + 1) * WIDTH;
        for (int lane = 0; lane < WIDTH; lane += 16) {
            V w0 = load(w + lane), w1 = load(w + WIDTH + lane), w2 = load(w + 2 * WIDTH + lane);
            V w3 = load(w + 3 * WIDTH + lane);
            V s0 = load(sums + lane), s1 = load(sums + WIDTH + lane), s2 = load(sums + 2 * WIDTH + lane);
            V s3 = load(sums + 3 * WIDTH + lane), s4 = load(sums + 4 * WIDTH + lane);
            V a = load(in[0] + offset + lane), b = load(in[1] + offset + lane), d = load(in[2] + offset + lane);
            V g0 = load(g + lane), g1 = load(g + WIDTH + lane), g2 = load(g + 2 * WIDTH + lane);
            for (int t = 0; t < length; t++) {
                V e = load(in[t + PAST] + offset + lane), g3 = load(g + (t + PAST) * WIDTH + lane);
                s0 = fma(g0, a, s0), s1 = fma(g0, b, s1), s2 = fma(g0, d, s2), s3 = fma(g0, e, s3), s4 = add(s4, g0);
                store(to[start + t] + offset + lane, fma(g0, w3, fma(g1, w2, fma(g2, w1, mul(g3, w0)))));
                a = b, b = d, d = e, g0 = g1, g1 = g2, g2 = g3;
            }
            store(sums + lane, s0), store(sums + WIDTH + lane, s1), store(sums + 2 * WIDTH + lane, s2);
            store(sums + 3 * WIDTH + lane, s3), store(sums + 4 * WIDTH + lane, s4);
        }
    }

    // dy of a chunk as [heads][CHUNK][WIDTH], zero for review tokens.
    void load_grad(int64_t b, int64_t start, int length, float* to) const {
        const E* from = static_cast<const E*>(c.grad_y) + b * c.length * inner;
        for (int t = 0; t < length; t++) {
            int64_t l = start + t - c.review;
            if (c.reverse) l = c.length - 1 - l;
            bool review = start + t < c.review;
            for (int64_t i = 0; i < inner; i += 16)
                store(to + i / WIDTH * TILE + t * WIDTH + i % WIDTH, review ? set(0) : load(from + l * inner + i));
        }
    }

public:
    explicit Pass(const Call& call)
        : c(call), heads(call.heads), blocks(heads + 2), inner(call.heads * WIDTH), total(call.review + call.length),
          chunks((total + CHUNK - 1) / CHUNK), weights(blocks * (TAPS + 1) * WIDTH), active(blocks * TILE),
          slope(blocks * TILE), dt(heads * CHUNK), dt_slope(heads * CHUNK), decay(heads * CHUNK), dtx(TILE), out(TILE),
          A(heads), zeros(std::max<int64_t>(inner, 2 * WIDTH)) {
        for (int64_t i = 0; i < blocks * WIDTH; i++) {
            float* w = weights + i / WIDTH * (TAPS + 1) * WIDTH + i % WIDTH;
            for (int k = 0; k < TAPS; k++) w[k * WIDTH] = c.conv_weight[i * TAPS + k];
            w[TAPS * WIDTH] = c.conv_bias[i];
        }
        for (int h = 0; h < heads; h++) A[h] = -__builtin_expf(c.A_log[h]);
    }

    void forward() {
        Buffer states(heads * STATE);                                      // [heads][n][P]
        const float *B = values(heads), *C = values(heads + 1);
        for (int64_t b = 0; b < c.batch; b++) {
            start_batch(b);
            std::memset(states, 0, heads * STATE * 4);
            E* y = static_cast<E*>(c.y) + b * c.length * inner;
            for (int64_t start = 0; start < total; start += CHUNK) {
                int length = chunk_length(start / CHUNK), skip = std::clamp<int64_t>(c.review - start, 0, length);
                prepare<false>(start, length);
                for (int h = 0; h < heads; h++) {
                    scale_by_dt(h, length);
                    if (skip == length) {
                        scan<false, false>(dtx, B, C, decay + h * CHUNK, states + h * STATE, out, length);
                        continue;
                    }
                    scan<false>(dtx, B, C, decay + h * CHUNK, states + h * STATE, out, length);
                    const float* from = values(h);
                    V d = set(c.D[h]);
                    for (int t = skip; t < length; t++) {
                        int64_t l = start + t - c.review;
                        E* row = y + (c.reverse ? c.length - 1 - l : l) * inner + h * WIDTH;
                        for (int lane = 0; lane < WIDTH; lane += 16)
                            store(row + lane, fma(d, load(from + t * WIDTH + lane), load(out + t * WIDTH + lane)));
                    }
                }
            }
        }
    }

    void backward() {
        Buffer ends(chunks * heads * STATE);                               // [chunks][heads][P][n]: h after the chunk
        Buffer flows(chunks * heads * CHUNK);                              // <dy_l (x) C_l, h_l>
        Buffer dC(chunks * TILE), dB(TILE);
        Buffer states(heads * STATE), across(heads * STATE);               // [heads][P][n], [heads][n][P]
        Buffer grads(heads * TILE), sums(blocks * PADDED), weight_sums(blocks * (TAPS + 1) * WIDTH);
        Buffer back_decay(CHUNK), dots(CHUNK), dt_grads(CHUNK * heads);
        std::vector<float> next_decay(heads);
        std::vector<double> A_sums(heads), D_sums(heads), dt_sums(heads);
        const float *B = values(heads), *C = values(heads + 1);
        for (int64_t b = 0; b < c.batch; b++) {
            start_batch(b);
            Rows<E> to_x = output(c.grad_x, c.grad_review_x, inner, b);
            Rows<E> to_bc = output(c.grad_bc, c.grad_review_bc, 2 * WIDTH, b);
            Rows<E> to_dt = output(c.grad_dt, c.grad_review_dt, heads, b);

            std::memset(states, 0, heads * STATE * 4);
            std::memset(dC, 0, chunks * TILE * 4);
            for (int64_t chunk = 0; chunk < chunks; chunk++) {
                int64_t start = chunk * CHUNK;
                int length = chunk_length(chunk);
                bool silent = start + length <= c.review;
                prepare<false>(start, length);
                if (!silent) load_grad(b, start, length, grads);
                float* to = dC + chunk * TILE;
                for (int h = 0; h < heads; h++) {
                    float *state = states + h * STATE, *flow = flows + (chunk * heads + h) * CHUNK;
                    const float* factors = decay + h * CHUNK;
                    scale_by_dt(h, length);
                    if (silent) {
                        scan<false, false>(B, dtx, dtx, factors, state, out, length);
                        std::memset(flow, 0, CHUNK * 4);
                    } else {
                        scan<false>(B, dtx, grads + h * TILE, factors, state, out, length);
                        for (int t = 0; t < length; t++) {
                            int i = t * WIDTH, j = i + 16;
                            V low = load(out + i), high = load(out + j);
                            store(to + i, add(load(to + i), low));
                            store(to + j, add(load(to + j), high));
                            flow[t] = _mm512_reduce_add_ps(fma(low, load(C + i), mul(high, load(C + j))));
                        }
                    }
                    std::memcpy(ends + (chunk * heads + h) * STATE, state, STATE * 4);
                }
            }

            std::memset(states, 0, heads * STATE * 4);
            std::memset(across, 0, heads * STATE * 4);
            std::memset(sums, 0, blocks * PADDED * 4);
            std::fill(next_decay.begin(), next_decay.end(), 0.f);
            for (int64_t chunk = chunks - 1; chunk >= 0; chunk--) {
                int64_t start = chunk * CHUNK;
                int length = chunk_length(chunk);
                prepare<true>(start, length);
                load_grad(b, start, length, grads);
                std::memset(dB, 0, TILE * 4);
                for (int block = 0; block < blocks; block++)
                    std::memmove(sums + block * PADDED + length * WIDTH, sums + block * PADDED, PAST * WIDTH * 4);
                for (int h = 0; h < heads; h++) {
                    const float *dy = grads + h * TILE, *from = values(h), *steps = dt + h * CHUNK;
                    const float *end = ends + (chunk * heads + h) * STATE, *flow = flows + (chunk * heads + h) * CHUNK;
                    float* state = states + h * STATE;
                    scale_by_dt(h, length);

                    V product = set(0);
                    for (int i = 0; i < STATE; i += 16) product = fma(load(state + i), load(end + i), product);
                    float F = next_decay[h] * _mm512_reduce_add_ps(product);

                    std::memcpy(back_decay, decay + h * CHUNK + 1, (length - 1) * 4);
                    back_decay[length - 1] = next_decay[h];
                    next_decay[h] = decay[h * CHUNK];

                    scan<true>(C, dy, dtx, back_decay, state, out, length);
                    for (int i = 0; i < length * WIDTH; i += 16) store(dB + i, add(load(dB + i), load(out + i)));

                    scan<true>(dy, C, B, back_decay, across + h * STATE, out, length);
                    V d = set(c.D[h]), D_sum = set(0);
                    const float* slopes = slope + h * TILE;
                    float* sum = sums + h * PADDED;
                    for (int t = 0; t < length; t++) {
                        V step = set(steps[t]), dot = set(0);
                        for (int i = t * WIDTH; i < (t + 1) * WIDTH; i += 16) {
                            V value = load(from + i), grad = load(out + i), skip = load(dy + i);
                            dot = fma(value, grad, dot);
                            D_sum = fma(value, skip, D_sum);
                            store(sum + i, mul(load(slopes + i), fma(grad, step, mul(skip, d))));
                        }
                        dots[t] = _mm512_reduce_add_ps(dot);
                    }
                    D_sums[h] += _mm512_reduce_add_ps(D_sum);

                    float A_sum = 0, dt_sum = 0;
                    for (int t = length - 1; t >= 0; t--) {
                        F += flow[t] - steps[t] * dots[t];
                        A_sum += F * steps[t];
                        float grad = (dots[t] + A[h] * F) * dt_slope[h * CHUNK + t];
                        dt_sum += grad;
                        dt_grads[t * heads + h] = grad;
                    }
                    A_sums[h] += A_sum;
                    dt_sums[h] += dt_sum;
                }
                for (int i = 0; i < length * WIDTH; i += 16) {
                    store(sums + heads * PADDED + i, mul(load(dB + i), load(slope + heads * TILE + i)));
                    store(sums + (heads + 1) * PADDED + i,
                          mul(load(dC + chunk * TILE + i), load(slope + (heads + 1) * TILE + i)));
                }
                for (int block = 0; block < blocks; block++)
                    convolve_back(block, start, length, sums, weight_sums, block < heads ? to_x : to_bc);
                for (int first = 0; first < heads; first += 16) {
                    __mmask16 mask = (1u << std::min(16, heads - first)) - 1;
                    for (int t = 0; t < length; t++)
                        store(to_dt[start + t] + first, load(dt_grads + t * heads + first, mask), mask);
                }
            }
        }
        for (int64_t i = 0; i < blocks * WIDTH; i++) {
            const float* w = weight_sums + i / WIDTH * (TAPS + 1) * WIDTH + i % WIDTH;
            for (int k = 0; k < TAPS; k++) c.grad_conv_weight[i * TAPS + k] = w[k * WIDTH];
            c.grad_conv_bias[i] = w[TAPS * WIDTH];
        }
        for (int h = 0; h < heads; h++) {
            c.grad_A_log[h] = A_sums[h] * A[h];
            c.grad_D[h] = D_sums[h];
            c.grad_dt_bias[h] = dt_sums[h];
        }
    }
};

}  // namespace

extern "C" void scan_forward(const Call* call) {
    FlushDenormals flush;
    if (call->is_bf16) Pass<bf16>(*call).forward();
    else Pass<float>(*call).forward();
}

extern "C" void scan_backward(const Call* call) {
    FlushDenormals flush;
    if (call->is_bf16) Pass<bf16>(*call).backward();
    else Pass<float>(*call).backward();
}
