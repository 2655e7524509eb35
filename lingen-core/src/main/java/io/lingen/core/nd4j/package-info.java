/**
 * The reference backend: every operation in plain ND4J, short enough to be read beside its formula, and ND4J's arrays in and out.
 *
 * <p>It runs wherever ND4J runs and is as fast as that allows, which is not fast: the sequential parts are loops of small array
 * operations. Tensors are stored in their type, BF16 as ND4J's BFLOAT16; all computation is in F32, since ND4J's BF16 arithmetic is scalar.
 * Intermediate results live in an ND4J workspace that is empty again after every operation.
 */
@NullMarked
package io.lingen.core.nd4j;

import org.jspecify.annotations.NullMarked;
