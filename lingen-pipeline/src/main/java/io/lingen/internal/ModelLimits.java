package io.lingen.internal;

import io.lingen.ModelIndex;
import io.lingen.SamplingDefaults;
import io.lingen.VideoPlan;
import io.lingen.VideoRequest;
import io.lingen.core.Shape;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ConfigReader;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.op.Grid;
import io.lingen.core.op.PatchSize;
import io.lingen.diffusion.TransformerConfig;
import io.lingen.text.OnnxTextEncoderConfig;
import io.lingen.vae.AutoencoderConfig;
import io.lingen.video.VideoFormat;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Which videos a model can make, and which it makes unless asked otherwise.
 *
 * @param compression frames, rows and columns per latent cell
 * @param patch latent cells per token
 * @param maxGrid the most tokens on each axis
 * @param channels of the latent
 */
public record ModelLimits(
        ModelIndex index, SamplingDefaults sampling, Grid compression, PatchSize patch, Grid maxGrid, int channels) {
    /**
     * Reads the limits from a model's configuration files.
     *
     * @throws io.lingen.core.checkpoint.CheckpointException naming the field, what was found and what would do
     */
    public static ModelLimits read(ModelSource source) {
        ModelIndex index = ModelIndex.read(source);
        TransformerConfig transformer = TransformerConfig.read(source.config(index.transformer() + "/config.json"));
        AutoencoderConfig autoencoder = AutoencoderConfig.read(source.config(index.vae() + "/config.json"));
        if (transformer.inChannels() != autoencoder.latentChannels()) {
            throw new CheckpointException(source.name() + ": the denoiser makes latents of " + transformer.inChannels()
                    + " channels and the decoder takes " + autoencoder.latentChannels()
                    + "; they are not of the same model");
        }
        requireTextWidths(source, index.textEncoders(), transformer.textDims());
        return new ModelLimits(
                index,
                SamplingDefaults.read(source, index.scheduler()),
                new Grid(autoencoder.compression(0), autoencoder.compression(1), autoencoder.compression(2)),
                transformer.patchSize(),
                transformer.maxGrid(),
                transformer.inChannels());
    }

    private static void requireTextWidths(ModelSource source, List<String> encoders, List<Integer> textDims) {
        if (encoders.size() != textDims.size()) {
            throw new CheckpointException(
                    source.name() + ": the denoiser reads " + textDims.size() + " text encoders, text_dims = "
                            + textDims + ", and " + ModelIndex.FILE + " names " + encoders.size());
        }
        for (int i = 0; i < encoders.size(); i++) {
            ConfigReader json = source.config(encoders.get(i) + "/config.json");
            int width = OnnxTextEncoderConfig.read(json).width();
            if (width != textDims.get(i)) {
                throw json.error(
                        "width",
                        width,
                        textDims.get(i) + ", the denoiser's text_dims[" + i + "]; are they of the same model?");
            }
        }
    }

    /**
     * Fills in what a request leaves open.
     *
     * @throws IllegalArgumentException if a size is none that the model makes; the message offers the nearest ones
     */
    public VideoPlan plan(VideoRequest request) {
        ModelIndex.NativeSize nativeSize = index.nativeSize();
        int fps = or(request.fps(), index.fps());
        int width = or(request.width(), nativeSize == null ? null : nativeSize.width(), "size");
        int height = or(request.height(), nativeSize == null ? null : nativeSize.height(), "size");
        requireMultiple("width", width, compression.w() * patch.w(), maxGrid.w());
        requireMultiple("height", height, compression.h() * patch.h(), maxGrid.h());
        int frames = frames(request, fps, nativeSize == null ? null : nativeSize.seconds());
        Shape latent = Shape.of(channels, frames / compression.t(), height / compression.h(), width / compression.w());
        String schedule = request.schedule();
        return new VideoPlan(
                request,
                new VideoFormat(width, height, fps),
                frames,
                latent,
                or(request.steps(), sampling.steps()),
                or(request.guidance(), sampling.guidance()),
                schedule == null ? sampling.schedule() : schedule,
                or(request.eta(), sampling.eta()));
    }

    /** The latent cells of a plan. */
    public static Grid latentGrid(VideoPlan plan) {
        Shape latent = plan.latent();
        return new Grid((int) latent.length(1), (int) latent.length(2), (int) latent.length(3));
    }

    private int frames(VideoRequest request, int fps, @Nullable Double nativeSeconds) {
        int unit = compression.t() * patch.t();
        Integer frames = request.frames();
        if (frames != null) {
            requireMultiple("number of frames", frames, unit, maxGrid.t());
            return frames;
        }
        double seconds = or(request.seconds(), nativeSeconds, "length");
        double exact = seconds * fps;
        long whole = Math.round(exact);
        // Decimal seconds such as 1.1 have no exact binary form.
        if (Math.abs(exact - whole) > 1e-6 * fps || whole % unit != 0 || whole / unit > maxGrid.t() || whole < unit) {
            long most = (long) unit * maxGrid.t();
            long below = Math.min(Math.max(unit, (long) (Math.min(exact, most) / unit) * unit), most);
            long above = Math.min(below + unit, most);
            throw new IllegalArgumentException("a length of " + number(seconds) + " s at " + fps + " fps is "
                    + number(exact) + " frames, and the model makes multiples of " + unit + " up to " + most
                    + "; use " + secondsOf(below, fps) + (above == below ? "" : " or " + secondsOf(above, fps)));
        }
        return (int) whole;
    }

    private static void requireMultiple(String what, int found, int unit, int maxUnits) {
        long most = (long) unit * maxUnits;
        if (found % unit != 0 || found > most) {
            long below = Math.min(Math.max(unit, (long) found / unit * unit), most);
            long above = Math.min(below + unit, most);
            throw new IllegalArgumentException("the " + what + " is a multiple of " + unit + " up to " + most
                    + ", found " + found + "; use " + below + (above == below ? "" : " or " + above));
        }
    }

    private static <T> T or(@Nullable T asked, T otherwise) {
        return asked == null ? otherwise : asked;
    }

    private <T> T or(@Nullable T asked, @Nullable T otherwise, String what) {
        if (asked != null) {
            return asked;
        }
        if (otherwise == null) {
            throw new IllegalArgumentException("the model names no native size; give the request a " + what);
        }
        return otherwise;
    }

    private static String secondsOf(long frames, int fps) {
        return number((double) frames / fps) + " s (" + frames + " frames)";
    }

    private static String number(double value) {
        if (value >= 1e9) {
            return String.format(Locale.ROOT, "%.3g", value);
        }
        String text = String.format(Locale.ROOT, "%.3f", value);
        return text.replaceFirst("\\.?0+$", "");
    }
}
