/** SANA-Video's video transformer. */
@NullMarked
package io.lingen.sana.internal.transformer;

import org.jspecify.annotations.NullMarked;
