package dev.collimate.text.jinja;

import java.util.Iterator;
import java.util.Optional;

/**
 * {@code {% for target in items if condition recursive %}body{% else %}otherwise{% endfor %}}. Each
 * round has variables of its own.
 */
record ForLoop(
    Statement.Target target,
    Expression items,
    Optional<Expression> condition,
    boolean isRecursive,
    Statement.Block body,
    Statement.Block otherwise,
    int line)
    implements Statement {

  @Override
  public Flow execute(Scope scope, Output out) {
    scope.run().at(line);
    return run(items.evaluate(scope), 0, scope, out);
  }

  private Flow run(Object values, int depth, Scope scope, Output out) {
    // The condition may look at what the body changes, so items are tested one by one.
    Iterator<Object> chosen = Values.iterate(values);
    Object sized = values;
    if (condition.isPresent()) {
      Expression wanted = condition.get();
      chosen = new Selection(chosen, item -> isChosen(item, wanted, scope));
      sized = new Generator(chosen);
    }
    Loop loop =
        new Loop(sized, chosen, depth, isRecursive ? inner -> nested(inner, depth, scope) : null);
    boolean isEmpty = true;
    while (loop.advance()) {
      isEmpty = false;
      scope.run().charge(1);
      Scope round = scope.inner();
      round.set("loop", loop);
      target.assign(loop.current(), round);
      if (body.execute(round, out) == Flow.BREAK) {
        break;
      }
    }
    return isEmpty ? otherwise.execute(scope.inner(), out) : Flow.NEXT;
  }

  private String nested(Object values, int depth, Scope scope) {
    scope.run().enter();
    Output out = Output.kept();
    run(values, depth + 1, scope, out);
    scope.run().leave();
    return out.toString();
  }

  /** Whether the loop's condition lets an item through. */
  private boolean isChosen(Object item, Expression wanted, Scope scope) {
    Scope test = scope.inner();
    target.assign(item, test);
    return Values.truth(wanted.evaluate(test));
  }
}
