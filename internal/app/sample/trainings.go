package sample

import (
	"context"

	"github.com/kizuki-security/kizuki/internal/office/training"
	"github.com/kizuki-security/kizuki/internal/register/attach"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// lessons is content/training.yaml.
type lessons struct {
	NoLesson []string `yaml:"no_lesson"` // came and was taught nothing
	Sessions []lessonRow
}

type lessonRow struct {
	Title, Method, Teacher, Content, Who string
	On                                   when
	Topics                               []string
	Missing                              *int
	Reflect                              *struct {
		On              when
		By, Found, Next string
	}
}

func (b *builder) planTraining() error {
	for _, l := range b.content.lessons.Sessions {
		on, err := b.past(l.On)
		if err != nil {
			return err
		}
		key := ""
		b.add(on, "training "+l.Title, func(ctx context.Context) (err error) {
			key, err = b.teach(b.inCharge(ctx), &l, on)
			return err
		})
		if l.Reflect == nil {
			continue
		}
		reflected, err := b.past(l.Reflect.On)
		if err != nil {
			return err
		}
		b.add(max(on, reflected), "reflection on "+l.Title, func(ctx context.Context) error {
			return b.Training.Reflect(b.as(ctx, l.Reflect.By), key, training.Reflection{
				On: max(on, reflected), Found: l.Reflect.Found, NextTime: l.Reflect.Next,
			})
		})
	}
	return nil
}

// teach records a session with who took part: e-learning comes as a file, a class with a signed sheet.
func (b *builder) teach(ctx context.Context, l *lessonRow, on jdate.Day) (string, error) {
	key, err := b.Training.Save(ctx, training.Session{
		Title: l.Title, On: on, Topics: l.Topics, Method: l.Method, Content: l.Content, Teacher: l.Teacher,
	})
	if err != nil {
		return "", err
	}
	persons := b.keys(b.audience(on, l.Who, l.Missing, b.content.lessons.NoLesson))
	if len(persons) == 0 {
		return key, nil
	}
	way, paper := training.WayFile, attach.Upload{}
	if l.Method != "elearning" {
		way = training.WaySheet
		if paper, err = scan(l.Title+"_"+on.String()+".png", on, false); err != nil {
			return "", err
		}
	}
	_, err = b.Training.Attend(ctx, key, persons, way, paper)
	return key, err
}
