// Package catalog holds the frameworks, crosswalks and kinds of facts as data. It imports nothing:
// internal/register/framework reads and checks these files.
package catalog

import "embed"

// FS holds every .yaml file of this folder.
//
//go:embed *.yaml
var FS embed.FS
