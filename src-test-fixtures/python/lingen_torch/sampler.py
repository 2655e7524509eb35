"""Rectified flow sampling: X_t = t X_1 + (1-t) X_0, X_0 noise, X_1 data; Euler steps along v = X_1 - X_0.

Times run from 0 (noise) to 1 (data); a schedule of n steps is n + 1 strictly increasing times.
"""

import math


def linear_quadratic(n):
    """Movie Gen's schedule: the first half of the steps as an N_lin-step linear schedule takes them, then quadratic to 1.

    N_lin = 250 and L = floor(n / 2) linear steps. What the formula leaves open: one step is [0, 1] (no linear part);
    for n > 250, N_lin = n, which makes the schedule uniform (with 250 the quadratic part would bend backwards).
    """
    if n == 1:
        return [0.0, 1.0]
    L = n // 2
    tau = L / max(250, n)
    Q = n - L
    delta = L - tau * n
    a = delta / (L * Q * Q)
    b = tau / L - 2 * delta / (Q * Q)
    c = a * L * L
    return [i * tau / L for i in range(L)] + [a * i * i + b * i + c for i in range(L, n)] + [1.0]


def uniform(n):
    """t_i = i / n."""
    return [i / n for i in range(n)] + [1.0]


def shifted(n, shift=3.0):
    """Uniform times pushed towards the noise: t' = t / (t + shift (1 - t)).

    The same as sigma' = shift sigma / (1 + (shift - 1) sigma) for the noise level sigma = 1 - t.
    """
    return [t / (t + shift * (1 - t)) for t in uniform(n)]


def named(name):
    """The schedule that a model's scheduler/config.json names; ValueError for others."""
    known = {"linear_quadratic": linear_quadratic, "uniform": uniform, "shifted": shifted}
    if name.startswith("shifted:"):
        shift = float(name.removeprefix("shifted:"))
        if not 0 < shift < math.inf:
            raise ValueError(f"a schedule's shift is a positive number, found {shift}")
        return lambda n: shifted(n, shift)
    if name not in known:
        raise ValueError(f"unknown schedule {name!r}; known are {', '.join(known)}, shifted:S")
    return known[name]


def guided(field, unconditional, scale):
    """Classifier-free guidance v_u + scale (v_c - v_u) of two velocity fields; scale 1 never evaluates the second."""
    if scale == 1:
        return field

    def velocity(x, t):
        v_u = unconditional(x, t)
        return v_u + scale * (field(x, t) - v_u)

    return velocity


def sample(field, x, times, eta=0.0, fresh=None):
    """Yields the latent after each step. field(x, t): velocity, t a float. eta 0: Euler's.

    With eta a step keeps the clean latent that the velocity points to, and renews a part of the noise: DDIM's sigma
    (Song et al., 2021, equation 16), eta sqrt((1 - a') / (1 - a)) sqrt(1 - a / a'), where a is the share that the clean latent has in
    the variance once the latent is scaled to unit variance; fresh(step): normal noise like x.
    """
    for step, (now, then) in enumerate(zip(times, times[1:])):
        velocity = field(x, now)
        if eta == 0:
            x = x + (then - now) * velocity
        else:
            clean, noise = x + (1 - now) * velocity, x - now * velocity
            scale, scale_then = math.hypot(now, 1 - now), math.hypot(then, 1 - then)
            a, a_then = (now / scale) ** 2, (then / scale_then) ** 2
            sigma = eta * math.sqrt((1 - a_then) / (1 - a)) * math.sqrt(1 - a / a_then)
            x = scale_then * (math.sqrt(a_then) * clean + math.sqrt(max(0.0, 1 - a_then - sigma**2)) * noise + sigma * fresh(step))
        yield x
