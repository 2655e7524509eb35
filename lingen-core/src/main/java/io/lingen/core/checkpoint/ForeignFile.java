package io.lingen.core.checkpoint;

import io.lingen.core.internal.SafeText;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Detection of files that users often have in place of a checkpoint's: archives, pickles, quantized weights, pointers, web pages. */
public final class ForeignFile {
    /** The number of bytes that are read from the start of a file. */
    public static final int LOOKED_AT = 64;

    /** The extensions of PyTorch's formats. */
    private static final List<String> PICKLES = List.of(".bin", ".bin.index.json", ".pt", ".pth", ".ckpt", ".pkl");

    private static final String PICKLE =
            " (pickles, which can run code when they are loaded and are never loaded here). ";

    private static final String TO_SAFETENSORS = "Convert it in Python: "
            + "safetensors.torch.save_file(torch.load('old.pt', weights_only=True), 'model.safetensors')";

    private static final String ORIGINAL = "; use the model's original weights in F32, F16 or BF16";

    private static final String GGUF = "a GGUF file of quantized weights" + ORIGINAL;

    private ForeignFile() {}

    /**
     * Throws if a file is of another kind than expected.
     *
     * @param origin the name of the file, for the message
     * @param expected the kind of file that is expected, for the message
     * @param conversion how to convert a PyTorch checkpoint to that kind, for the message
     * @param file the file, or at least its first {@value #LOOKED_AT} bytes
     * @throws CheckpointException with the kind that was found and the remedy
     */
    public static void refuse(String origin, String expected, String conversion, MemorySegment file) {
        byte[] start = file.asSlice(0, Math.min(file.byteSize(), LOOKED_AT)).toArray(ValueLayout.JAVA_BYTE);
        String found = describe(start, conversion);
        if (found != null) {
            throw new CheckpointException(origin + ": expected " + expected + ", found " + found);
        }
    }

    /**
     * Throws if a safetensors file is of another kind than expected.
     *
     * @param origin the name of the file, for the message
     * @param file the file, or at least its first {@value #LOOKED_AT} bytes
     * @throws CheckpointException with the kind that was found and the remedy
     */
    static void refuseInPlaceOfSafetensors(String origin, MemorySegment file) {
        refuse(origin, "a safetensors file", TO_SAFETENSORS, file);
    }

    /**
     * Throws if a file has the extension of weights that are not read.
     *
     * @param origin the name of the file, for the message
     * @param name the name of the file without folders
     * @throws CheckpointException with the kind that was found and the remedy
     */
    static void refuseName(String origin, String name) {
        String lower = name.toLowerCase(Locale.ROOT);
        boolean pickle = PICKLES.stream().anyMatch(lower::endsWith);
        if (pickle || lower.endsWith(".gguf")) {
            throw new CheckpointException(
                    SafeText.of(origin, 300) + ": expected weights in safetensors files, found only "
                            + (pickle ? "a PyTorch checkpoint" + PICKLE + TO_SAFETENSORS : GGUF));
        }
    }

    /**
     * {@return the exception for a tensor of weights that are scaled and stored in 8 bits}
     *
     * @param tensor the tensor with its file, for the message
     */
    static CheckpointException scaledWeights(String tensor) {
        return new CheckpointException(
                tensor + ": expected weights of F32, F16 or BF16, found an fp8-scaled checkpoint" + ORIGINAL);
    }

    private static @Nullable String describe(byte[] start, String conversion) {
        String text = new String(start, StandardCharsets.ISO_8859_1);
        if (text.startsWith("version https://git-lfs.")) {
            return "a Git LFS pointer, a text in place of the file; download the file: git lfs pull";
        }
        if (text.startsWith("PK\3\4")) {
            return "a zip archive, as PyTorch writes them" + PICKLE + conversion;
        }
        if (isPickle(text)) {
            return "a PyTorch checkpoint or another pickle" + PICKLE + conversion;
        }
        if (text.startsWith("GGUF")) {
            return GGUF;
        }
        String lower = text.stripLeading().toLowerCase(Locale.ROOT);
        if (lower.startsWith("<!doctype") || lower.startsWith("<html") || lower.startsWith("<?xml")) {
            return "a web page, which servers send if a download needs a login; download the file again";
        }
        return null;
    }

    /**
     * {@return whether a text starts like a pickle of protocol 2 to 5} A safetensors header of certain lengths starts alike, but has '{' at
     * byte 8.
     */
    private static boolean isPickle(String text) {
        return text.length() > 8
                && text.charAt(0) == 0x80
                && text.charAt(1) >= 2
                && text.charAt(1) <= 5
                && text.charAt(8) != '{';
    }
}
