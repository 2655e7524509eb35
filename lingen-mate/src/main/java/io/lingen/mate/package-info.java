/**
 * MATE, LinGen's linear-cost token mixer: an MA-branch (bidirectional Mamba2 along a Rotary-Major Scan, review tokens in front) beside a
 * TE-branch (temporal Swin attention), summed.
 *
 * <p>Classes are the boxes of the paper's overview figure. All are immutable and thread-safe: intermediate tensors live in workspaces of
 * the call. Tokens are rows in (t, h, w) order throughout; no branch ever copies them into scan or window order.
 */
@NullMarked
package io.lingen.mate;

import org.jspecify.annotations.NullMarked;
