/** The costs of a run: live and peak tensor bytes, and floating-point operations per kind. */
@NullMarked
package io.lingen.core.accounting;

import org.jspecify.annotations.NullMarked;
