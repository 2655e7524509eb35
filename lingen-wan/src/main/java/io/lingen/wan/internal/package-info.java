/** The Wan family of models: folders in the layout of diffusers. */
@NullMarked
package io.lingen.wan.internal;

import org.jspecify.annotations.NullMarked;
