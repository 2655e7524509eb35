/** LinGen's own family of models: the layout in docs/checkpoint-format.md. */
@NullMarked
package io.lingen.internal.family;

import org.jspecify.annotations.NullMarked;
