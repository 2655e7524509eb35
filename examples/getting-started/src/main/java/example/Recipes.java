package example;

import io.lingen.CancellationToken;
import io.lingen.Generation;
import io.lingen.GenerationCancelledException;
import io.lingen.LatentFile;
import io.lingen.TextToVideoPipeline;
import io.lingen.VideoDescription;
import io.lingen.VideoRequest;
import io.lingen.VideoResult;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.diffusion.SamplingStep;
import io.lingen.vae.FrameStream;
import io.lingen.video.VideoFormat;
import io.lingen.video.VideoWriter;
import io.lingen.video.VideoWriters;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** What applications do with a loaded pipeline. The guide quotes these methods. */
final class Recipes {
    private Recipes() {}

    /** A video that somebody else may stop, and that can be resumed afterwards. */
    static VideoResult stoppable(
            TextToVideoPipeline pipeline, VideoRequest request, Path target, CancellationToken token)
            throws IOException {
        try {
            return pipeline.generate(request, target, token);
        } catch (GenerationCancelledException e) {
            System.out.println(e.getMessage());
            throw e;
        }
    }

    /** Goes on where a video was interrupted, whether by a token, an exception, or the end of the process. */
    static VideoResult resume(TextToVideoPipeline pipeline, Path target) throws IOException {
        LatentFile saved = LatentFile.read(LatentFile.besides(target));
        try (Generation generation = pipeline.resume(saved)) {
            generation.saveLatents(target, LatentFile.DEFAULT_STEPS, false);
            return generation.write(target);
        }
    }

    /** A look at what the video is going to be, after some of its steps. */
    static void preview(TextToVideoPipeline pipeline, VideoRequest request, int steps, Path folder)
            throws IOException {
        try (Generation generation = pipeline.start(request)) {
            Iterator<SamplingStep> walk = generation.steps();
            for (int i = 0; i < steps; i++) {
                walk.next();
            }
            VideoFormat format = generation.plan().format();
            try (FrameStream frames = generation.preview();
                    VideoWriter writer = VideoWriters.open(folder, format, "a preview")) {
                while (frames.hasNext()) {
                    writer.write(frames.next().rgb());
                }
                writer.finish();
            }
        }
    }

    /** Several videos at once from one model: each is what it would be alone. */
    static List<VideoResult> several(TextToVideoPipeline pipeline, List<String> prompts, Path folder)
            throws Exception {
        List<Callable<VideoResult>> jobs = new ArrayList<>();
        for (int i = 0; i < prompts.size(); i++) {
            VideoRequest request =
                    VideoRequest.builder(prompts.get(i)).frames(8).steps(2).build();
            Path target = folder.resolve(i + ".mp4");
            jobs.add(() -> pipeline.generate(request, target));
        }
        List<VideoResult> results = new ArrayList<>();
        try (ExecutorService threads = Executors.newFixedThreadPool(2)) {
            for (Future<VideoResult> result : threads.invokeAll(jobs)) {
                results.add(result.get());
            }
        }
        return results;
    }

    /** The same video once more, from what its file says about itself. */
    static VideoResult again(TextToVideoPipeline pipeline, Path video, Path target) throws IOException {
        String tag = VideoWriters.comment(video);
        VideoDescription description = VideoDescription.parse(video.toString(), tag);
        return pipeline.generate(description.request(), target);
    }

    /** The four kinds of failure that an application tells apart. */
    static String explain(TextToVideoPipeline pipeline, VideoRequest request, Path target) {
        try {
            pipeline.generate(request, target);
            return "done";
        } catch (IllegalArgumentException e) {
            return "ask for something else: " + e.getMessage();
        } catch (CheckpointException e) {
            return "look at the model's files: " + e.getMessage();
        } catch (io.lingen.core.OutOfMemoryException e) {
            return "ask for less: " + e.getMessage();
        } catch (IOException e) {
            return "look at the disk: " + e.getMessage();
        }
    }
}
