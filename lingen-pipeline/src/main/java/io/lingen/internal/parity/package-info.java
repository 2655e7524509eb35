/**
 * Parity checks of models: {@link io.lingen.internal.parity.ModelParity} finds the parts that a fixture has, and the other classes are parts
 * that families share. The layouts of fixtures are in docs/checkpoint-format.md.
 */
@NullMarked
package io.lingen.internal.parity;

import org.jspecify.annotations.NullMarked;
