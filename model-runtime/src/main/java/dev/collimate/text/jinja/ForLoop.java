package dev.collimate.text.jinja;

import java.util.Iterator;
import java.util.NoSuchElementException;
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
      chosen = new Chosen(chosen, condition.get(), scope);
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

  /** The items that the loop's condition lets through. */
  private final class Chosen implements Iterator<Object> {

    private final Iterator<Object> all;
    private final Expression condition;
    private final Scope scope;
    private Object next;
    private boolean isReady;

    Chosen(Iterator<Object> all, Expression condition, Scope scope) {
      this.all = all;
      this.condition = condition;
      this.scope = scope;
    }

    @Override
    public boolean hasNext() {
      while (!isReady && all.hasNext()) {
        next = all.next();
        Scope test = scope.inner();
        target.assign(next, test);
        isReady = Values.truth(condition.evaluate(test));
      }
      return isReady;
    }

    @Override
    public Object next() {
      if (!hasNext()) {
        throw new NoSuchElementException();
      }
      isReady = false;
      return next;
    }
  }
}
