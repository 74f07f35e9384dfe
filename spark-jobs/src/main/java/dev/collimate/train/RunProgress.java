package dev.collimate.train;

import java.util.Map;

/** Who watches a run: the console. */
public interface RunProgress {

  /** Watches nothing. */
  RunProgress SILENT =
      new RunProgress() {
        @Override
        public void stage(String name) {}

        @Override
        public void training(long firstStep, long lastStep) {}

        @Override
        public void line(Map<String, Object> line) {}
      };

  /** A stage begins. */
  void stage(String name);

  /** Training begins, or goes on, with {@code firstStep} of {@code lastStep}. */
  void training(long firstStep, long lastStep);

  /** A line of metrics was logged. */
  void line(Map<String, Object> line);
}
