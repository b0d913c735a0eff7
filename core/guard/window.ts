/**
 * A budget's sliding window: 101 snapshots of a lane's cumulative counters, 100 ms apart, are 10 s. A budget is an exact
 * bucket edge of the consumer's page, so that "p99 within the budget" is a count: it is broken iff over × 100 ≥ samples.
 *
 * All figures come from pages that drivers write. They are clamped, two witnesses have to agree, and what they disagree on is
 * shown as disputed and makes nothing happen to others. The producer looks only when it sends: of frames about which it can't
 * tell, the consumer's word is good in both directions.
 */
import type { LaneFigures } from "../keeper.ts";
import { LIMITS } from "../limits.ts";
import { quantile, since } from "../observe/histogram.ts";

export interface Snapshot {
  readonly atNs: number;
  readonly samples: number;
  readonly over: number;
  readonly producerSamples: number;
  readonly producerOver: number;
  readonly producerUnsure: number;
  readonly histogram: readonly number[];
}

/** It belongs to one lane and begins anew with the next. */
export interface Window {
  readonly lane: number;
  readonly beganNs: number;
  /** Oldest first. */
  readonly snapshots: readonly Snapshot[];
  /** Age of the oldest uncredited frame at the last snapshot. */
  readonly oldestNs: number;
}

export function openWindow(figures: LaneFigures, nowNs: number): Window {
  return {
    lane: figures.lane,
    beganNs: nowNs,
    snapshots: [snapshot(figures, undefined, nowNs)],
    oldestNs: figures.oldestNs,
  };
}

/** Takes one snapshot more; a new lane opens a new window. */
export function slide(window: Window, figures: LaneFigures, nowNs: number): Window {
  if (window.lane !== figures.lane) return openWindow(figures, nowNs);
  const last = window.snapshots.at(-1);
  const next = snapshot(figures, last, nowNs);
  const snapshots = [...window.snapshots, next].slice(-LIMITS.guard.snapshots);
  return { ...window, snapshots, oldestNs: age(figures.oldestNs, nowNs) };
}

/** Counters never go back and time never stands before it was: what a page says otherwise is not believed. */
function snapshot(figures: LaneFigures, last: Snapshot | undefined, nowNs: number): Snapshot {
  const samples = Math.max(last?.samples ?? 0, whole(figures.samples));
  const producerSamples = Math.max(last?.producerSamples ?? 0, whole(figures.producerSamples));
  return {
    atNs: Math.max(last?.atNs ?? 0, nowNs),
    samples,
    over: Math.min(samples, Math.max(last?.over ?? 0, whole(figures.over))),
    producerSamples,
    producerOver: Math.min(producerSamples, Math.max(last?.producerOver ?? 0, whole(figures.producerOver))),
    producerUnsure: Math.max(last?.producerUnsure ?? 0, whole(figures.producerUnsure)),
    histogram: figures.histogram.map((count, bucket) => Math.max(last?.histogram[bucket] ?? 0, whole(count))),
  };
}

function whole(value: number): number {
  return Number.isSafeInteger(value) && value > 0 ? value : 0;
}

/** An age that reaches back before the clock's beginning is none. */
function age(ns: number, nowNs: number): number {
  return Math.min(whole(ns), Math.max(0, nowNs));
}

export interface Judgement {
  readonly samples: number;
  readonly over: number;
  /** The consumer says that the budget is broken, and the producer has seen nothing that speaks against it. */
  readonly breach: boolean;
  /** What one says cannot be, by what the other has seen. */
  readonly disputed: boolean;
  readonly p50Ns: number | null;
  readonly p95Ns: number | null;
  readonly p99Ns: number | null;
}

/** Judges what the window holds. A budget of 0 is none, and never broken. */
export function judge(window: Window, budgetNs: number): Judgement {
  const first = window.snapshots[0];
  const last = window.snapshots.at(-1);
  if (!first || !last) {
    return { samples: 0, over: 0, breach: false, disputed: false, p50Ns: null, p95Ns: null, p99Ns: null };
  }
  // The frame that waits longest is a sample of both witnesses: the panel has read its age from both pages.
  const waits = budgetNs > 0 && window.oldestNs > budgetNs ? 1 : 0;
  const samples = last.samples - first.samples + waits;
  const over = last.over - first.over + waits;
  const producerSamples = last.producerSamples - first.producerSamples;
  const producerOver = last.producerOver - first.producerOver;
  const consumerSays = budgetNs > 0 && isBroken(over, samples);
  const unsure = last.producerUnsure - first.producerUnsure;
  const seen = producerSamples + unsure + waits;
  // Were all of which it can't tell over the budget, and were none.
  const producerMay = seen === 0 || isBroken(producerOver + unsure + waits, seen);
  const producerMust = budgetNs > 0 && isBroken(producerOver + waits, seen);
  const counts = since(last.histogram, first.histogram);
  return {
    samples,
    over,
    breach: consumerSays && producerMay,
    disputed: consumerSays ? !producerMay : producerMust,
    p50Ns: quantile(counts, 500),
    p95Ns: quantile(counts, 950),
    p99Ns: quantile(counts, 990),
  };
}

/** p99 ≥ budget. */
export function isBroken(over: number, samples: number): boolean {
  return over > 0 && over * 100 >= samples;
}
