/** What is particular to oneDNN; its kernels' results are the contracts' matter. */
@NullMarked
package io.lingen.cpu.dnnl;

import org.jspecify.annotations.NullMarked;
