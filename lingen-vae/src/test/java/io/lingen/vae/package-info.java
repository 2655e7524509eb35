@NullMarked
package io.lingen.vae;

import org.jspecify.annotations.NullMarked;
