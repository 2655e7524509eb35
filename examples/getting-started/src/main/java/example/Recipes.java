package example;

import io.lingen.CancellationToken;
import io.lingen.Generation;
import io.lingen.GenerationCancelledException;
import io.lingen.LatentFile;
import io.lingen.TextToVideoPipeline;
import io.lingen.VideoProvenance;
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

/** Common uses of a loaded pipeline. docs/guide/getting-started.md quotes these methods. */
final class Recipes {
    private Recipes() {}

    /** Generates a video that another thread can cancel and that can be resumed afterwards. */
    static VideoResult generateCancellable(
            TextToVideoPipeline pipeline, VideoRequest request, Path target, CancellationToken token)
            throws IOException {
        try {
            return pipeline.generate(request, target, token);
        } catch (GenerationCancelledException e) {
            System.out.println(e.getMessage());
            throw e;
        }
    }

    /** Resumes a video that was interrupted by a token, an exception or the end of the process. */
    static VideoResult resume(TextToVideoPipeline pipeline, Path target) throws IOException {
        LatentFile saved = LatentFile.find(target);
        try (Generation generation = pipeline.resume(saved)) {
            generation.saveLatents(target, LatentFile.DEFAULT_STEPS, false);
            return generation.write(target);
        }
    }

    /** Writes a preview of the video after some of its steps. */
    static void preview(TextToVideoPipeline pipeline, VideoRequest request, int stepCount, Path folder)
            throws IOException {
        try (Generation generation = pipeline.start(request)) {
            Iterator<SamplingStep> steps = generation.steps();
            for (int i = 0; i < stepCount; i++) {
                steps.next();
            }
            VideoFormat format = generation.plan().format();
            try (FrameStream frames = generation.preview();
                    VideoWriter writer = VideoWriters.open(folder, format, "preview")) {
                while (frames.hasNext()) {
                    writer.write(frames.next().rgb());
                }
                writer.finish();
            }
        }
    }

    /** Generates several videos concurrently with one model. */
    static List<VideoResult> generateAll(TextToVideoPipeline pipeline, List<String> prompts, Path folder)
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

    /** Reproduces a video from the metadata in its file. */
    static VideoResult reproduce(TextToVideoPipeline pipeline, Path video, Path target) throws IOException {
        String comment = VideoWriters.comment(video);
        VideoProvenance provenance = VideoProvenance.parse(video.toString(), comment);
        return pipeline.generate(provenance.request(), target);
    }

    /** Generates a video and maps each kind of failure to its remedy. */
    static String generateOrExplain(TextToVideoPipeline pipeline, VideoRequest request, Path target) {
        try {
            pipeline.generate(request, target);
            return "done";
        } catch (IllegalArgumentException e) {
            return "change the request: " + e.getMessage();
        } catch (CheckpointException e) {
            return "check the model's files: " + e.getMessage();
        } catch (io.lingen.core.OutOfMemoryException e) {
            return "reduce size or length: " + e.getMessage();
        } catch (IOException e) {
            return "check the disk: " + e.getMessage();
        }
    }
}
