/** The family of LinGen models, with the folder layout of docs/checkpoint-format.md. */
@NullMarked
package io.lingen.internal.family;

import org.jspecify.annotations.NullMarked;
