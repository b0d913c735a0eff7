// Command cue is CUE as a WebAssembly program for rtt: it reads {"files": {path: text}} from its standard input, unifies
// the files with the schema of a project, and writes one JSON reply: the value, the places of its parts in the user's
// text, and everything that is wrong. What it says about a mistake is data; the words are made by who reads it.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime/debug"
)

// Request is what is to be evaluated: all files of one package, by path.
type Request struct {
	Files map[string]string `json:"files"`
}

// Reply is what came of it. Without issues Value is whole and has every default; with issues it has the sound parts.
type Reply struct {
	Value map[string]any `json:"value"`
	// Broken holds paths of parts that are left out of Value because something in them is wrong: "routes.attitude.p99".
	Broken []string `json:"broken"`
	// Places holds where the user wrote the value at a path.
	Places map[string]Place `json:"places"`
	Issues []Issue          `json:"issues"`
	// Schema is the text of the schema, for projects to keep a copy of.
	Schema string `json:"schema"`
}

// Place is a place in the user's text; lines and columns (in characters) count from 1.
type Place struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
}

// Issue is one thing that is wrong, without words.
type Issue struct {
	// Kind is "syntax", "package", "import", "reference", "unknown", "name", "missing", "type", "value", "conflict", "cue",
	// or "more" at the end of too many.
	Kind string `json:"kind"`
	Path string `json:"path"`
	// Place is nil only when nothing of the user's text is to blame.
	Place *Place `json:"place"`
	// Other is the second place of a conflict.
	Other *Place `json:"other,omitempty"`
	// Name is the field that is unknown, badly named or missing, or the reference; of "more" it is how many.
	Name string `json:"name,omitempty"`
	// Got is the user's value as JSON, when there is one.
	Got string `json:"got,omitempty"`
	// Options are the names or values that would be right, when they can be listed.
	Options []string `json:"options,omitempty"`
	// Kinds are the types that would be right.
	Kinds string `json:"kinds,omitempty"`
	// Doc is the schema's comment on the field.
	Doc string `json:"doc,omitempty"`
	// Message is CUE's own.
	Message string `json:"message,omitempty"`
}

func main() {
	// The program lives for one answer: collecting garbage only costs time, up to a bound that wasm memory can hold.
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(1 << 30)
	var request Request
	if err := json.NewDecoder(os.Stdin).Decode(&request); err != nil {
		fmt.Fprintln(os.Stderr, "cannot read the request:", err)
		os.Exit(1)
	}
	if err := json.NewEncoder(os.Stdout).Encode(evaluate(request.Files)); err != nil {
		fmt.Fprintln(os.Stderr, "cannot write the reply:", err)
		os.Exit(1)
	}
}
