package main

import (
	"sort"
	"strings"

	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/literal"
)

// addUncovered takes CUE's errors about what nothing was said of. That no alternative of a disjunction fits, and that a
// field is not allowed which the user did not write, are consequences of something else: they are said only when nothing
// else was.
func (e *evaluation) addUncovered(err error, written *writtenPlaces) {
	for _, consequences := range []bool{false, true} {
		for _, each := range errors.Errors(err) {
			if consequences && len(e.reply.Issues) > 0 {
				return
			}
			if e.isConsequence(each) == consequences && !e.covered(each.Path()) {
				e.addError("cue", each, written)
			}
		}
	}
}

func (e *evaluation) isConsequence(err errors.Error) bool {
	text := err.Error()
	if e.holes.any() && (strings.Contains(text, "incomplete") || strings.Contains(text, "non-concrete")) {
		return true
	}
	return strings.Contains(text, "empty disjunction") || strings.Contains(text, "field not allowed")
}

// plainPath has names as they are, without the quotes that CUE puts around some.
func plainPath(path []string) string {
	plain := []string{}
	for _, each := range path {
		if text, err := literal.Unquote(each); err == nil && strings.HasPrefix(each, "\"") {
			each = text
		}
		plain = append(plain, each)
	}
	return strings.Join(plain, ".")
}

// covered: something was said about this path, about a part of it, or about what it is a part of.
func (e *evaluation) covered(path []string) bool {
	asked := plainPath(path)
	if e.inHole(asked) {
		return true
	}
	for _, each := range e.reply.Issues {
		if each.Kind == "reference" {
			continue
		}
		if related(each.Path, asked) {
			return true
		}
		if each.Kind == "missing" && join(each.Path, each.Name) == asked {
			return true
		}
	}
	for _, path := range e.again {
		if related(path, asked) {
			return true
		}
	}
	return len(e.reply.Issues) > 0 && asked == ""
}

// inHole: it is a hole, or has one in it, or one may be what it lacks.
func (e *evaluation) inHole(asked string) bool {
	for path := range e.holes.paths {
		if related(path, asked) {
			return true
		}
	}
	return false
}

// related: one is the other, or a part of it.
func related(one, other string) bool {
	return one == other || strings.HasPrefix(one, other+".") || strings.HasPrefix(other, one+".")
}

func (e *evaluation) add(issue Issue) {
	if issue.Kind == "cue" && e.saidAt(issue.Place) {
		return // CUE finds one cause again and again, in every field that it spoils
	}
	key := issue.Kind + "\x00" + issue.Path + "\x00" + issue.Name + "\x00" + issue.Message
	if issue.Place != nil && isWritten(issue.Kind) {
		key = issue.Kind + "\x00" + issue.Path[strings.LastIndex(issue.Path, ".")+1:] + "\x00" + issue.Got
	}
	if issue.Place != nil {
		key += "\x00" + issue.Place.File + ":" + itoa(issue.Place.Line) + ":" + itoa(issue.Place.Column)
	}
	if e.seen[key] {
		e.again = append(e.again, issue.Path)
		return
	}
	e.seen[key] = true
	e.reply.Issues = append(e.reply.Issues, issue)
}

// isWritten: a mistake of that kind stands in one text, however many paths lead there.
func isWritten(kind string) bool { return kind == "unknown" || kind == "type" || kind == "value" }

func (e *evaluation) saidAt(place *Place) bool {
	for _, each := range e.reply.Issues {
		if place != nil && each.Place != nil && *each.Place == *place && (each.Kind == "cue" || each.Kind == "conflict") {
			return true
		}
	}
	return false
}

func (e *evaluation) addErrors(kind string, err error) {
	for _, each := range errors.Errors(err) {
		e.addError(kind, each)
	}
}

// addError takes CUE's own words, and its first places in the user's text.
func (e *evaluation) addError(kind string, err errors.Error, written ...*writtenPlaces) {
	format, arguments := err.Msg()
	issue := Issue{Kind: kind, Path: plainPath(err.Path()), Message: sprintf(format, arguments)}
	places := []Place{}
	if primary := e.sources.place(err.Position()); primary != nil && kind == "syntax" {
		issue.Place = primary
		e.add(issue)
		return
	}
	for _, position := range errors.Positions(err) {
		if place := e.sources.place(position); place != nil {
			places = append(places, *place)
		}
	}
	sort.SliceStable(places, func(a, b int) bool { return placeBefore(places[a], places[b]) })
	if len(places) > 0 {
		issue.Place = &places[0]
	}
	if last := len(places) - 1; last > 0 && places[last] != places[0] {
		issue.Other = &places[last]
		if kind == "cue" {
			issue.Kind = "conflict"
		}
	}
	for _, each := range written {
		if issue.Place == nil {
			issue.Place = each.nearest(strings.Split(issue.Path, "."))
		}
	}
	if issue.Place == nil {
		issue.Place = e.sources.first()
	}
	e.add(issue)
}
