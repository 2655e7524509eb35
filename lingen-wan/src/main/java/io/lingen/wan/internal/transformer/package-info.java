/** Wan's video transformer. */
@NullMarked
package io.lingen.wan.internal.transformer;

import org.jspecify.annotations.NullMarked;
